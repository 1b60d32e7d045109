"""What a spec of the shipped code element may say, and what it is told otherwise."""

from typing import Any

import pytest

from triform.chemistry.catalogue import Catalogue, ElementType
from triform.chemistry.rules import SpecCheck

CODE = {"source": {"code": "def handler(input) = input"}}


@pytest.fixture(scope="module")
def ruby(catalogue: Catalogue) -> ElementType:
    return catalogue.type("ruby")


def told(checked: SpecCheck) -> dict[str, str]:
    return {complaint.pointer: complaint.message for complaint in checked.errors}


def test_the_least_spec_gets_all_defaults(ruby: ElementType) -> None:
    checked = ruby.check_spec(CODE)
    assert checked.valid
    assert checked.spec == {
        "handler": "handler",
        "source": {"type": "inline", "requirements": [], **CODE["source"]},
        "memory_mb": 128,
        "timeout_ms": 30000,
        "environment": {},
        "layers": [],
        "concurrency": {},
        "retry": {"max_attempts": 3, "backoff_ms": 1000, "backoff_multiplier": 2.0},
    }


def test_limits_are_read_from_the_spec(ruby: ElementType) -> None:
    spec = CODE | {"timeout_ms": 300, "memory_mb": 64, "concurrency": {"max": 2}, "environment": {"A": "b"}}
    limits = ruby.limits_of(ruby.check_spec(spec).spec)
    assert (limits.timeout_ms, limits.memory_mb, limits.concurrency_max, limits.concurrency_reserved) == (
        300,
        64,
        2,
        None,
    )
    assert (limits.retry.max_attempts, limits.environment, limits.handler) == (3, {"A": "b"}, "handler")


@pytest.mark.parametrize(
    ("field", "least", "most"),
    [
        ("memory_mb", 64, 4096),
        ("timeout_ms", 100, 900000),
    ],
)
def test_bounds_are_inclusive(ruby: ElementType, field: str, least: int, most: int) -> None:
    assert ruby.check_spec(CODE | {field: least}).valid
    assert ruby.check_spec(CODE | {field: most}).valid
    assert told(ruby.check_spec(CODE | {field: least - 1})) == {f"/{field}": f"must be at least {least}"}
    assert told(ruby.check_spec(CODE | {field: most + 1})) == {f"/{field}": f"must be at most {most}"}


@pytest.mark.parametrize("source", [{}, {"code": ""}, {"code": None}, {"type": "inline"}])
def test_inline_source_needs_code(ruby: ElementType, source: dict[str, Any]) -> None:
    checked = ruby.check_spec({"source": source})
    assert list(told(checked)) == ["/source/code"]
    assert checked.suggestion is not None or source.get("code", "") is None


def test_code_at_the_top_is_refused_with_a_patch_that_moves_it(ruby: ElementType) -> None:
    checked = ruby.check_spec({"code": "def handler(input) = 1"})
    assert list(told(checked)) == ["/code"]
    assert checked.suggestion is not None
    spec = patched({"code": "def handler(input) = 1"}, checked.suggestion.patch or ())
    assert ruby.check_spec(spec).valid


@pytest.mark.parametrize(("spec", "pointer"), [(CODE | {"layers": ["x"]}, "/layers")])
def test_what_comes_later_says_so_plainly(ruby: ElementType, spec: dict[str, Any], pointer: str) -> None:
    checked = ruby.check_spec(spec)
    assert list(told(checked)) == [pointer]
    assert "not available in this version" in told(checked)[pointer]
    assert checked.suggestion is not None


@pytest.mark.parametrize("source_type", ["file", "git"])
def test_other_sources_say_what_they_lack(ruby: ElementType, source_type: str) -> None:
    lacking = {"file": "/source/path", "git": "/source/repository"}[source_type]
    checked = ruby.check_spec({"source": {"type": source_type}})
    assert list(told(checked)) == [lacking]
    assert checked.suggestion is not None


@pytest.mark.parametrize(
    "repository",
    [
        "ssh://git@x.y/z", "git@x.y:z.git", "git://x.y/z", "file:///etc", "/srv/z.git", "../z", "ext::sh -c id",
        "https://",
        "https://x.y", "https://user:pass@x.y/z", "https://token@x.y/z", "http://x.y@127.0.0.1/z", "https://x.y/z?t=1",
        "https://x.y/z#f", "--upload-pack=id", "-oProxyCommand=id", "https://x.y\\@z/", "https://x.y/\n",
        "https://x y/z",
        "HTTPS://x.y/z\n", "javascript:x", "https://[::1/z", "https://x.y:port/z",
    ],
)  # fmt: skip
def test_only_plain_addresses_are_taken_and_a_refused_one_is_not_repeated(
    ruby: ElementType, repository: str
) -> None:
    checked = ruby.check_spec({"source": {"type": "git", "repository": repository}})
    assert list(told(checked)) == ["/source/repository"]
    assert told(checked)["/source/repository"].startswith("must be an http(s) address")


@pytest.mark.parametrize(
    "repository",
    ["https://x.y/z", "http://127.0.0.1:8080/z.git", "https://[2001:db8::1]/a/b", "https://x.y/~me/z"],
)
def test_plain_addresses_are_taken_and_plain_http_is_a_warning(ruby: ElementType, repository: str) -> None:
    checked = ruby.check_spec({"source": {"type": "git", "repository": repository}})
    assert checked.valid
    assert bool(checked.warnings) == repository.startswith("http://")


@pytest.mark.parametrize(
    "ref", ["--upload-pack=id", "-x", "a b", "a\nb", "a:b", "a~1", "a^", "refs/*", "", "/a", ".a"]
)
def test_a_ref_is_a_name(ruby: ElementType, ref: str) -> None:
    checked = ruby.check_spec({"source": {"type": "git", "repository": "https://x.y/z", "ref": ref}})
    assert list(told(checked)) == ["/source/ref"]


@pytest.mark.parametrize("ref", ["main", "v1.0", "feature/x", "refs/pull/1/head", "0123456789" * 4, "release-2"])
def test_names_of_branches_tags_and_commits_are_refs(ruby: ElementType, ref: str) -> None:
    assert ruby.check_spec({"source": {"type": "git", "repository": "https://x.y/z", "ref": ref}}).valid


def test_many_gems_are_a_warning(ruby: ElementType) -> None:
    few, many = ([f"gem{number}" for number in range(count)] for count in (30, 31))
    assert ruby.check_spec({"source": {"code": "1", "requirements": few}}).warnings == ()
    checked = ruby.check_spec({"source": {"code": "1", "requirements": many}})
    assert checked.valid
    assert [each.pointer for each in checked.warnings] == ["/source/requirements"]


@pytest.mark.parametrize("name", ["1A", "A-B", "A B", "", "Ä", "A\n"])
def test_environment_names_are_checked(ruby: ElementType, name: str) -> None:
    assert "/environment" in told(ruby.check_spec(CODE | {"environment": {name: "x"}}))


@pytest.mark.parametrize("value", ["a\0b", 1, None, True, ["x"]])
def test_environment_values_are_strings_without_nul(ruby: ElementType, value: Any) -> None:
    checked = ruby.check_spec(CODE | {"environment": {"A": value}})
    assert "/environment/A" in told(checked) or "/environment" in told(checked)


def test_a_secret_never_appears_in_a_complaint(ruby: ElementType) -> None:
    spec = CODE | {"environment": {"A": {"secret": True, "value": "hunter2hunter2", "more": "hunter2hunter2"}}}
    assert "hunter2" not in repr(ruby.check_spec(spec).errors)


@pytest.mark.parametrize("handler", ["handler", "call!", "ready?", "Greeter.call", "A::B.c_d"])
def test_handlers_that_can_be_named(ruby: ElementType, handler: str) -> None:
    assert ruby.check_spec(CODE | {"handler": handler}).valid


@pytest.mark.parametrize("handler", ["", "Handler", "a.b", "a b", "x;exit", "A::B", "a\n", "é"])
def test_handlers_that_cannot(ruby: ElementType, handler: str) -> None:
    assert list(told(ruby.check_spec(CODE | {"handler": handler}))) == ["/handler"]


def test_reserved_slots_fit_into_the_most(ruby: ElementType) -> None:
    assert list(told(ruby.check_spec(CODE | {"concurrency": {"reserved": 3, "max": 2}}))) == [
        "/concurrency/reserved"
    ]
    assert ruby.check_spec(CODE | {"concurrency": {"reserved": 2, "max": 2}}).valid


def test_much_memory_and_long_timeouts_are_warned_about(ruby: ElementType) -> None:
    checked = ruby.check_spec(CODE | {"memory_mb": 2049, "timeout_ms": 300001})
    assert checked.valid
    assert [c.pointer for c in checked.warnings] == ["/memory_mb", "/timeout_ms"]


def test_an_unknown_property_is_refused(ruby: ElementType) -> None:
    assert told(ruby.check_spec(CODE | {"memory": 1})) == {
        "/memory": "is not a known field; did you mean memory_mb?"
    }


def test_the_six_codes_have_the_classes_of_the_contract(ruby: ElementType) -> None:
    own = {e.code: (e.kind, e.retryable) for e in ruby.errors.values() if e.provenance == "element"}
    assert own == {
        "RUBY_EXECUTION_FAILED": ("internal", False),
        "RUBY_TIMEOUT": ("timeout", True),
        "RUBY_SYNTAX_ERROR": ("validation", False),
        "RUBY_HANDLER_NOT_FOUND": ("validation", False),
        "RUBY_GEM_INSTALL_FAILED": ("validation", True),
        "RUBY_MEMORY_EXCEEDED": ("internal", False),
    }
    assert all(ruby.error(code).suggestion.example for code in own)


def patched(spec: Any, patch: Any) -> Any:
    """Applies `add` and `move` steps of an RFC 6902 patch to a copy, as a client would."""
    done = {**spec}
    for step in patch:
        value = done.pop(step["from"][1:]) if step["op"] == "move" else step["value"]
        *parents, last = step["path"].split("/")[1:]
        around = done
        for parent in parents:
            around = around[parent]
        around[last] = value
    return done
