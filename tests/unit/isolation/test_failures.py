"""What the author of failing code is told: the code, the place, the way out."""

from pathlib import Path
from typing import Any

import pytest

from tests.shipped import CATALOGUE
from triform.errors import Failure
from triform.substrates.isolation import failures
from triform.substrates.isolation.interfaces import Cause, Exit, Limits, LoadFailed, TemplateSpec
from triform.substrates.isolation.messages import GuestError, Place
from triform.substrates.isolation.outcome import Outcome
from triform.substrates.isolation.plan import Bounds, Plan

RUBY = CATALOGUE.type("ruby")
SOURCE = "def handler(input)\n  one\n  two\n  three\n  four\nend\n"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return make_plan(tmp_path)


def make_plan(folder: Path, **spec: Any) -> Plan:
    (folder / "main.rb").write_text(SOURCE)
    checked = RUBY.check_spec({"source": {"code": SOURCE}, **spec})
    limits = RUBY.limits_of(checked.spec)
    template = TemplateSpec(
        language="ruby",
        image=Path("/image"),
        code=folder,
        entry="main.rb",
        handler="handler",
        limits=Limits(memory_mb=limits.memory_mb or 0),
        load_timeout_ms=10_000,
    )
    return Plan(
        type=RUBY,
        spec=checked.spec,
        template=template,
        timeout_ms=limits.timeout_ms or 0,
        image="sha256:x",
        bounds=Bounds(10_000, 6 << 20),
    )


def error(**changes: Any) -> GuestError:
    known: dict[str, Any] = {"kind": "exception", "class_name": "KeyError", "message": "key not found\nmore"}
    return GuestError(**{**known, **changes})


def raised(plan: Plan, **changes: Any) -> Failure:
    return failures.of_outcome(Outcome(cause=Cause.handler_error, error=error(**changes)), plan)


def test_an_exception_is_told_with_class_message_and_line(plan: Plan) -> None:
    failure = raised(plan, backtrace=(Place("/usr/lib/x.rb", 9, "fetch"), Place("main.rb", 3, "handler")))
    assert (failure.code, failure.kind) == ("RUBY_EXECUTION_FAILED", "internal")
    assert failure.message == "KeyError: key not found (main.rb:3)"
    told = failure.facts["exception"]
    assert told["backtrace"] == ["main.rb:3:in handler"]
    assert told["full_backtrace"] == ["/usr/lib/x.rb:9:in fetch", "main.rb:3:in handler"]
    assert told["source"]["line"] == 3
    assert [line["text"] for line in told["source"]["context"]] == [
        "def handler(input)",
        "  one",
        "  two",
        "  three",
        "  four",
    ]


def test_the_chain_of_causes_is_told(plan: Plan) -> None:
    failure = raised(plan, cause=error(class_name="IOError", message="inner", backtrace=(Place("main.rb", 2),)))
    cause = failure.facts["exception"]["cause"]
    assert (cause["class"], cause["message"], cause["source"]["line"]) == ("IOError", "inner", 2)


@pytest.mark.parametrize("file", [
    "../secret.txt", "main.rb/../../secret.txt", "absent.rb", ".", "", "main.rb\0", "x" * 5000, "x/" * 3000,
])  # fmt: skip
def test_a_guest_cannot_have_other_files_read_by_naming_them(file: str, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret\n" * 5)
    folder = tmp_path / "code"
    folder.mkdir()
    failure = raised(make_plan(folder), backtrace=(Place(file, 2, "x"),))
    assert "source" not in failure.facts["exception"]
    assert "secret\n" not in str(failure.facts)


def test_a_missing_library_is_a_patch_on_the_requirements(plan: Plan) -> None:
    failure = failures.of_load(
        LoadFailed(
            "load_error", {"kind": "load_error", "class": "LoadError", "message": "x", "missing": "httparty"}
        ),
        plan,
    )
    assert failure.suggestion
    assert failure.suggestion.patch == ({"op": "add", "path": "/source/requirements/-", "value": "httparty"},)
    assert failure.message.startswith("while loading: LoadError")


def test_a_network_error_anywhere_in_the_chain_says_that_there_is_no_network(plan: Plan) -> None:
    failure = raised(plan, cause=error(network=True))
    assert failure.suggestion
    assert failure.suggestion.code == "EGRESS_BLOCKED"


def test_a_value_without_a_form_in_json_is_to_be_turned_into_one(plan: Plan) -> None:
    """Its backtrace is empty: there is no line to correct."""
    failure = raised(plan, kind="unserialisable", path="$.price")
    assert failure.suggestion
    assert "no form in JSON" in failure.suggestion.why
    assert failure.suggestion.example is None
    assert failure.facts["exception"]["path"] == "$.price"


@pytest.mark.parametrize(("timeout_ms", "raised_to"), [(30_000, 60_000), (500_000, 900_000)])
def test_a_timeout_suggests_a_longer_one_within_the_schema(
    timeout_ms: int, raised_to: int, tmp_path: Path
) -> None:
    failure = failures.of_outcome(Outcome(cause=Cause.timeout), make_plan(tmp_path, timeout_ms=timeout_ms))
    assert (failure.code, failure.retryable) == ("RUBY_TIMEOUT", True)
    assert failure.message == f"not done within {timeout_ms} ms"
    assert failure.suggestion
    assert failure.suggestion.patch == ({"op": "add", "path": "/timeout_ms", "value": raised_to},)


def test_at_the_maximum_there_is_no_patch(tmp_path: Path) -> None:
    failure = failures.of_outcome(Outcome(cause=Cause.timeout), make_plan(tmp_path, timeout_ms=900_000))
    assert failure.suggestion
    assert failure.suggestion.patch is None


def test_a_load_that_took_too_long_says_so_and_suggests_no_longer_timeout(plan: Plan) -> None:
    failure = failures.of_load(LoadFailed("timeout"), plan)
    assert failure.code == "RUBY_TIMEOUT"
    assert failure.message == "while loading: not done within 10000 ms"
    assert failure.suggestion
    assert failure.suggestion.patch is None


def test_too_much_memory_tells_the_peak_and_suggests_enough(plan: Plan) -> None:
    ended = Exit(oom=True, memory_peak_bytes=130 << 20)
    failure = failures.of_outcome(Outcome(cause=Cause.oom, exit=ended), plan)
    assert failure.code == "RUBY_MEMORY_EXCEEDED"
    assert (failure.facts["memory_mb"], failure.facts["memory_peak_mb"]) == (128, 130.0)
    assert failure.suggestion
    assert failure.suggestion.patch == ({"op": "add", "path": "/memory_mb", "value": 256},)


@pytest.mark.parametrize(
    ("outcome", "code", "words"),
    [
        (Outcome(cause=Cause.exit, code=3), "RUBY_EXECUTION_FAILED", "exit status 3 before the handler returned"),
        (Outcome(cause=Cause.signal, signal=11), "RUBY_EXECUTION_FAILED", "SIGSEGV"),
        (Outcome(cause=Cause.signal, signal=99), "RUBY_EXECUTION_FAILED", "signal 99"),
        (Outcome(cause=Cause.protocol, detail="a torn frame"), "RUBY_EXECUTION_FAILED", "a torn frame"),
        (Outcome(cause=Cause.output_limit, detail="more than 9 bytes"), "OUTPUT_TOO_LARGE", "more than 9 bytes"),
        (Outcome(cause=Cause.infra_after), "PLATFORM_FAULT", "not at fault"),
        (Outcome(cause=Cause.infra_before), "PLATFORM_FAULT", "not at fault"),
    ],
)
def test_each_end_has_its_code_and_words(outcome: Outcome, code: str, words: str, plan: Plan) -> None:
    failure = failures.of_outcome(outcome, plan)
    assert failure.code == code
    assert words in failure.message
    assert failure.suggestion


@pytest.mark.parametrize(
    ("failed", "code", "words"),
    [
        (LoadFailed("exit", {"code": 6}), "RUBY_EXECUTION_FAILED", "while loading: the process ended itself"),
        (LoadFailed("signal", {"signal": 9}), "RUBY_EXECUTION_FAILED", "SIGKILL"),
        (LoadFailed("oom"), "RUBY_MEMORY_EXCEEDED", "while loading"),
        (LoadFailed("protocol"), "RUBY_EXECUTION_FAILED", "while loading"),
        (LoadFailed("load_error", {"nonsense": 1}), "RUBY_EXECUTION_FAILED", "without saying how"),
    ],
)
def test_each_failed_load_has_its_code_and_words(failed: LoadFailed, code: str, words: str, plan: Plan) -> None:
    failure = failures.of_load(failed, plan)
    assert failure.code == code
    assert words in failure.message


def test_code_that_does_not_parse_tells_every_problem_with_its_line(plan: Plan) -> None:
    problems = [{"line": 3, "column": 2, "message": "unexpected end"}, {"line": 9, "column": 0, "message": "more"}]
    told = {"kind": "syntax_error", "class": "SyntaxError", "message": "x", "errors": problems}
    failure = failures.of_load(LoadFailed("syntax_error", told), plan)
    assert (failure.code, failure.kind) == ("RUBY_SYNTAX_ERROR", "validation")
    assert failure.message == "main.rb line 3: unexpected end"
    assert [(complaint.pointer, complaint.message) for complaint in failure.errors] == [
        ("/source/code", "main.rb line 3: unexpected end"),
        ("/source/code", "main.rb line 9: more"),
    ]


def test_a_library_whose_gem_is_required_already_is_not_proposed_again(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, source={"code": SOURCE, "requirements": ["httparty ~> 0.21"]})
    failure = raised(plan, kind="exception", class_name="LoadError", missing="httparty")
    assert failure.suggestion
    assert failure.suggestion.patch is None
    assert "no library of that name" in failure.suggestion.why
