"""Secrets in forms: values come from elsewhere, are set once, kept, set anew when asked, and never shown."""

import json

import pytest

from tests.cli.forms import Bench

VALUE, OTHER = "correct-horse-battery", "another-long-value"
FORM = """
elements:
- element_type: ruby
  slug: mailer
  spec:
    environment:
      TOKEN: {secret: true}
    source: {code: "def handler(input) = ENV['TOKEN'].reverse"}
  from_env: {/environment/TOKEN/value: MAIL_TOKEN}
"""
KEPT = FORM.replace("  from_env: {/environment/TOKEN/value: MAIL_TOKEN}\n", "")
OF_FILE = FORM.replace("from_env:", "files:").replace("MAIL_TOKEN}", "token.txt}")


def held(bench: Bench) -> str:
    return str(bench.http("POST", "/mailer/ops/invoke", {}))[::-1]


def test_a_value_of_the_environment_is_set_kept_and_set_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_TOKEN", VALUE)
    assert bench.applied(FORM)["plan"]["elements"][0]["action"] == "create"
    assert held(bench) == VALUE
    monkeypatch.setenv("MAIL_TOKEN", OTHER)
    assert bench.applied(FORM)["outcome"] == [], "what is stored stays"
    told = bench.applied(FORM, "--set-secrets")
    assert told["plan"]["elements"][0]["changes"] == [
        "/spec/environment/TOKEN/digest",
        "/spec/environment/TOKEN/value",
    ]
    assert held(bench) == OTHER
    monkeypatch.delenv("MAIL_TOKEN")
    assert bench.applied(FORM)["outcome"] == [], "a value that is stored is not asked for"
    assert bench.applied(KEPT)["outcome"] == []
    changed = bench.applied(KEPT.replace("slug: mailer", "slug: mailer\n  name: Post"))
    assert [each["action"] for each in changed["outcome"]] == ["update"]
    assert held(bench) == OTHER


def test_a_value_may_lie_in_a_file_beside_the_form(bench: Bench) -> None:
    (bench.folder / "token.txt").write_text(VALUE)
    bench.applied(OF_FILE)
    (bench.folder / "token.txt").unlink()
    assert bench.applied(OF_FILE)["outcome"] == []
    assert held(bench) == VALUE


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (FORM, "/from_env: the environment variable MAIL_TOKEN is not set; export MAIL_TOKEN=… before"),
        (OF_FILE, "/files: cannot read token.txt"),
        (KEPT, "name where it is: `from_env: {/environment/TOKEN/value: VARIABLE}` or `files:"),
    ],
)
def test_a_value_that_is_needed_and_cannot_be_had_is_asked_for(bench: Bench, form: str, told: str) -> None:
    ended = bench.apply(form)
    assert ended.code == 1
    assert "project.yaml:7: no value is stored for this secret" in ended.err
    assert told in ended.err
    assert bench.slugs() == []


def test_a_value_is_never_shown_whatever_happens(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_TOKEN", VALUE)
    shown = []
    for options in (["--dry-run"], ["--dry-run", "--json"], ["--json"], [], ["--set-secrets"], ["--prune"]):
        shown.append(bench.apply(FORM, *options))
    shown.append(bench.apply(FORM.replace("def handler(input) =", "def handler(input"), "--set-secrets"))
    shown.append(
        bench.apply(FORM.replace("slug: mailer", "slug: mailer2").replace("TOKEN: {", "TOKEN: {bad: 1, "))
    )
    shown += [bench.run("export", "--all"), bench.run("export", "--all", "--json")]
    monkeypatch.setenv("MAIL_TOKEN", "short")
    shown.append(bench.apply(FORM.replace("slug: mailer", "slug: third")))
    assert shown[-1].code == 1
    assert [each.code for each in shown[:6]] == [0, 0, 0, 0, 0, 2]
    assert [each.code for each in shown[6:10]] == [1, 2, 0, 0]
    for each in shown:
        assert VALUE not in each.out + each.err
        assert json.dumps(VALUE) not in each.out


def test_an_export_names_secrets_without_value_or_digest_and_applies_where_they_are_stored(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_TOKEN", VALUE)
    bench.applied(FORM)
    written = bench.exported()
    assert "TOKEN:\n        secret: true\n" in written
    assert "hmac" not in written
    assert bench.applied(written)["outcome"] == []
    elsewhere = bench.another().apply(written)
    assert (elsewhere.code, "no value is stored for this secret" in elsewhere.err) == (1, True)
