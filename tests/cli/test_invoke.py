"""`triform invoke`: what is sent, what is printed where, how it ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Triform
from tests.cli.double import Platform, Told, problem

INVOKE = "/api/acme/greet/ops/invoke"
RUN = "01932d0a-7c3e-7aaa-8bbb-123456789abc"
HEADERS = {
    "Triform-Run-Id": RUN,
    "Triform-Cost-Micro-Au": "10000",
    "Triform-Version": "3",
    "Triform-Env": "draft",
    "Server-Timing": "queue;dur=0.1, cold;dur=0, exec;dur=1.7, total;dur=1.9",
}


@pytest.fixture
def greeting(signed_in: Platform) -> Platform:
    signed_in.tell("POST", INVOKE, Told({"message": "Hello, Ada!"}, headers=HEADERS))
    return signed_in


def test_the_output_goes_to_stdout_and_the_facts_to_stderr(greeting: Platform, triform: Triform) -> None:
    ended = triform("invoke", "greet", "name=Ada")
    assert (ended.code, json.loads(ended.out)) == (0, {"message": "Hello, Ada!"})
    assert ended.err == f"0.01 AU  1.9 ms  run {RUN}\n"


def test_json_is_one_document_with_the_facts_in_it(greeting: Platform, triform: Triform) -> None:
    ended = triform("invoke", "greet", "--json")
    document = json.loads(ended.out)
    assert document["output"] == {"message": "Hello, Ada!"}
    assert (document["run_id"], document["cost_micro_au"], document["duration_ms"]) == (RUN, 10_000, 1.9)
    assert ended.err == ""


def test_json_may_also_stand_before_the_verb(greeting: Platform, triform: Triform) -> None:
    assert json.loads(triform("--json", "invoke", "greet").out)["run_id"] == RUN


def test_numbers_reach_a_pipe_exactly_as_the_handler_returned_them(signed_in: Platform, triform: Triform) -> None:
    text = '{"big": 123456789012345678901234567890, "fine": 0.10000000000000000001}'
    signed_in.tell("POST", INVOKE, Told(text, headers=HEADERS))
    assert triform("invoke", "greet").out == text + "\n"


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ((), {}),
        (("name=Ada",), {"name": "Ada"}),
        (("name=Ada", "count:=3", "tags:=[1, null]"), {"name": "Ada", "count": 3, "tags": [1, None]}),
        (("equation=a=b",), {"equation": "a=b"}),
        (("empty=",), {"empty": ""}),
    ],
)
def test_arguments_become_the_input(greeting: Platform, triform: Triform, arguments: Any, body: Any) -> None:
    triform("invoke", "greet", *arguments)
    assert greeting.to(INVOKE)[0].body == body


def test_the_input_may_come_from_stdin(greeting: Platform, triform: Triform) -> None:
    triform("invoke", "greet", "-", stdin='["anything", 1]')
    assert greeting.to(INVOKE)[0].body == ["anything", 1]


def test_arguments_are_laid_over_the_input_file(greeting: Platform, triform: Triform, tmp_path: Path) -> None:
    (tmp_path / "test.json").write_text('{"name": "Ada", "count": 1}')
    triform("invoke", "greet", "--input", str(tmp_path / "test.json"), "name=Grace")
    assert greeting.to(INVOKE)[0].body == {"name": "Grace", "count": 1}


@pytest.mark.parametrize(
    "arguments",
    [("Ada",), ("=Ada",), (":=1",), ("count:={",), ("--input", "/nowhere.json"), ("--wait", "soon")],
)
def test_an_input_that_makes_no_sense_is_wrong_usage(
    greeting: Platform, triform: Triform, arguments: tuple[str, ...]
) -> None:
    ended = triform("invoke", "greet", *arguments)
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert greeting.asked == []


def test_preferences_key_and_environment_are_passed_on(greeting: Platform, triform: Triform) -> None:
    triform("invoke", "greet", "--wait", "5", "--idempotency-key", "once", "--env", "live", "--raw")
    asked = greeting.to(INVOKE)[0]
    assert (asked.headers["Prefer"], asked.headers["Idempotency-Key"]) == ("wait=5", "once")
    assert asked.query == {"env": "live", "raw": "1"}


def test_an_asynchronous_run_prints_its_id_alone(signed_in: Platform, triform: Triform) -> None:
    signed_in.tell("POST", INVOKE, Told({"run_id": RUN, "status": "pending"}, 202))
    ended = triform("invoke", "greet", "--async")
    assert (ended.code, ended.out) == (0, RUN + "\n")
    assert signed_in.to(INVOKE)[0].headers["Prefer"] == "respond-async"


FAILED = problem(
    "RUBY_EXECUTION_FAILED",
    500,
    title="Your code raised an exception.",
    detail="undefined method `upcase' for nil",
    run_id=RUN,
    exception={
        "class": "NoMethodError",
        "message": "undefined method `upcase' for nil",
        "backtrace": ["main.rb:2:in handler"],
        "source": {
            "file": "main.rb",
            "line": 2,
            "context": [{"line": 1, "text": "def handler(input)"}, {"line": 2, "text": "  input['name'].upcase"}],
        },
        "cause": {"class": "KeyError", "message": "key not found", "backtrace": []},
    },
    errors=[{"pointer": "/source/code", "message": "look here"}],
    _suggestion={"why": "name is nil", "fix": "give a name", "patch": [{"op": "add", "path": "/x", "value": 1}]},
)


def test_a_failed_run_shows_the_users_line_and_how_to_mend_it(signed_in: Platform, triform: Triform) -> None:
    signed_in.tell("POST", INVOKE, Told(FAILED, 500))
    ended = triform("invoke", "greet")
    assert (ended.code, ended.out) == (1, "")
    for expected in (
        "RUBY_EXECUTION_FAILED: Your code raised an exception.",
        "NoMethodError: undefined method",
        "main.rb:2:in handler",
        "→    2 │   input['name'].upcase",
        "caused by KeyError: key not found",
        "/source/code: look here",
        "WHY: name is nil",
        "FIX: give a name",
        'PATCH (on the spec): [{"op": "add", "path": "/x", "value": 1}]',
        f"run {RUN}",
    ):
        assert expected in ended.err


def test_nothing_is_said_twice(signed_in: Platform, triform: Triform) -> None:
    told = FAILED | {"detail": "NoMethodError: undefined method `upcase' for nil (main.rb:2)", "errors": []}
    signed_in.tell("POST", INVOKE, Told(told, 500))
    assert triform("invoke", "greet").err.count("NoMethodError") == 1


def test_what_the_detail_says_is_not_said_again_among_the_complaints(
    signed_in: Platform, triform: Triform
) -> None:
    complaints = [{"pointer": "/a", "message": "is no number"}, {"pointer": "/b", "message": "is missing"}]
    told = problem("INVALID_INPUT", 422, detail="/a: is no number (and 1 more)", errors=complaints)
    signed_in.tell("POST", INVOKE, Told(told, 422))
    said = triform("invoke", "greet").err
    assert said.count("is no number") == 1
    assert "/b: is missing" in said


def test_a_failed_run_in_json_is_the_problem_itself(signed_in: Platform, triform: Triform) -> None:
    signed_in.tell("POST", INVOKE, Told(FAILED, 500))
    ended = triform("invoke", "greet", "--json")
    assert (ended.code, json.loads(ended.out), ended.err) == (1, FAILED, "")


def test_what_user_code_says_cannot_drive_the_terminal(signed_in: Platform, triform: Triform) -> None:
    evil = problem("X", 500, title="\x1b]0;owned\x07\x1b[2J gone")
    signed_in.tell("POST", INVOKE, Told(evil, 500))
    assert "\x1b" not in triform("invoke", "greet").err


DECLARED = "element_type: any\nslug: greet\nfiles: {/source/code: code.rb}\n"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of greet, with the user in the folder above; its code is what failed."""
    (tmp_path / "greet").mkdir()
    (tmp_path / "greet/triform.yaml").write_text(DECLARED)
    (tmp_path / "greet/code.rb").write_text("def handler(input)\n  input['name'].upcase\nend\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "greet"


def test_a_place_is_named_as_the_user_can_open_it(signed_in: Platform, triform: Triform, written: Path) -> None:
    signed_in.tell("POST", INVOKE, Told(FAILED, 500))
    assert "    greet/code.rb:2:in handler\n" in triform("invoke", "greet").err


def test_in_its_own_folder_a_file_has_its_bare_name(
    signed_in: Platform, triform: Triform, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(written)
    signed_in.tell("POST", INVOKE, Told(FAILED, 500))
    assert "    code.rb:2:in handler\n" in triform("invoke", "greet").err


@pytest.mark.parametrize("now", ["", "# moved\ndef handler(input)\n  input['name'].upcase\nend\n"])
def test_a_file_that_has_changed_since_is_not_pointed_into(
    signed_in: Platform, triform: Triform, written: Path, now: str
) -> None:
    (written / "code.rb").write_text(now)
    signed_in.tell("POST", INVOKE, Told(FAILED, 500))
    assert "    main.rb:2:in handler\n" in triform("invoke", "greet").err


def test_the_folder_of_another_element_is_not_pointed_into(
    signed_in: Platform, triform: Triform, written: Path
) -> None:
    (written / "triform.yaml").write_text(DECLARED.replace("slug: greet", "slug: other"))
    signed_in.tell("POST", INVOKE, Told(FAILED, 500))
    assert "    main.rb:2:in handler\n" in triform("invoke", "greet").err
