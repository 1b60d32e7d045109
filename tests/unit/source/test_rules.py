"""What may lie in a repository, and what must not."""

import pytest

from triform.source import rules


def nothing(content: bytes) -> bool:
    return False


@pytest.mark.parametrize("name", [
    b"", b".", b"..", b".git", b".GIT", b".Git", b"git~1", b"GIT~2", b".git.", b".git ", b".git:x",
    b".g\xe2\x80\x8cit", b"a/b", b"a\\b", b"a\0b", b"a\nb", b"\x1b[31m", b"\xff\xfe", "．git".encode(),
])  # fmt: skip
def test_names_that_mean_something_else_somewhere_are_refused(name: bytes) -> None:
    assert rules.in_name(name) is not None


@pytest.mark.parametrize(
    "name", [b"main.rb", b".gitignore", b".gitattributes", "grüße.rb".encode(), b"a b", b"git", b"..."]
)
def test_ordinary_names_are_taken(name: bytes) -> None:
    assert rules.in_name(name) is None


@pytest.mark.parametrize(("mode", "taken"), [
    (0o100644, True), (0o100755, True), (0o100664, True), (0o120000, False), (0o160000, False), (0o104755, False),
])  # fmt: skip
def test_only_plain_files_are_taken(mode: int, taken: bool) -> None:
    assert (rules.in_mode(mode) is None) == taken


@pytest.mark.parametrize(("path", "rule"), [
    ("node_modules/left-pad/index.js", "generated"), ("a/__pycache__/x.pyc", "generated"),
    ("ext/native.so", "generated"), ("vendor/bundle/ruby/x.rb", "generated"), ("pkg/greet-1.0.gem", "generated"),
    ("log/production.log", "runtime_data"), ("tmp/cache/x", "runtime_data"), ("db.sqlite3", "runtime_data"),
    ("server.pid", "runtime_data"), (".DS_Store", "runtime_data"), ("core", "runtime_data"),
    (".env", "secret"), (".env.production", "secret"), ("keys/id_rsa", "secret"), (".netrc", "secret"),
    ("cert.p12", "secret"), (".gitmodules", "submodule"), (".triform/x.yaml", "reserved"), ("x" * 1001, "path"),
])  # fmt: skip
def test_paths_that_tell_what_they_hold_are_found(path: str, rule: str) -> None:
    assert [problem.rule for problem in rules.in_path(path)] == [rule]


@pytest.mark.parametrize("path", [
    "main.rb", "README.md", ".triform/spec.yaml", ".env.example", "lib/template.rb", "catalog/a.rb", "lib/core.rb",
    "id_rsa.pub", "src/environment.rb", "docs/log.md", "lib/tmpdir.rb", ".gitignore",
])  # fmt: skip
def test_ordinary_paths_are_taken(path: str) -> None:
    assert list(rules.in_path(path)) == []


@pytest.mark.parametrize("text", [
    "-----BEGIN PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----", "-----BEGIN OPENSSH PRIVATE KEY-----",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----", "AKIA" + "A1" * 8, "ghp_" + "a" * 36, "github_pat_" + "a" * 30,
    "glpat-" + "a" * 20, "xoxb-" + "1" * 12, "sk_live_" + "a" * 24, "AIza" + "a" * 35, "trif_" + "a" * 49,
])  # fmt: skip
def test_secret_material_is_found_on_its_line_and_not_quoted(text: str) -> None:
    (problem,) = rules.in_content("main.rb", f"a\nb = '{text}'\n".encode(), nothing)
    assert (problem.rule, problem.line) == ("secret", 2)
    assert text not in problem.message


@pytest.mark.parametrize("text", [
    "-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----", "AKIAlower", "ghp_short", "sk_test_key", "trif_x",
])  # fmt: skip
def test_what_only_looks_a_little_like_a_secret_is_taken(text: str) -> None:
    assert list(rules.in_content("main.rb", text.encode(), nothing)) == []


def test_a_known_secret_is_found() -> None:
    assert [each.rule for each in rules.in_content("a", b"x hunter22 y", lambda data: b"hunter22" in data)] == [
        "secret"
    ]


def test_a_long_list_of_problems_is_cut_and_says_each_once() -> None:
    problems = [rules.Problem("path", str(number // 2), "m") for number in range(1000)]
    found = rules.first(problems)
    assert len(found) == len(set(found)) == rules.MOST_PROBLEMS
