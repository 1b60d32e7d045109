"""What is looked at when Ruby code is saved, and what is refused."""

from typing import Any

import pytest

from tests.acceptance.client import ECHO, Circle, refused
from tests.acceptance.patches import patched
from tests.acceptance.snippets import snippets

BROKEN = "def handler(input)\n  { a: 1\nend\n"


def inline(code: str, **more: Any) -> dict[str, Any]:
    return {"source": {"type": "inline", "code": code, **more}}


async def test_code_that_does_not_parse_cannot_be_created(circle: Circle) -> None:
    problem = refused(await circle.create("broken", inline(BROKEN)), 422, "RUBY_SYNTAX_ERROR")
    assert problem["detail"].startswith("main.rb line ")
    assert problem["errors"][0]["pointer"] == "/spec/source/code"
    assert problem["errors"][0]["message"].startswith("main.rb line ")
    assert (await circle.get("/broken")).status_code == 404


async def test_the_complaint_names_the_very_line(circle: Circle) -> None:
    problem = (await circle.create("broken", inline("def handler(input)\n  x = 1 +* 2\n  x\nend\n"))).json()
    assert "main.rb line 2" in problem["detail"]
    assert (problem["source"]["file"], problem["source"]["line"]) == ("main.rb", 2)
    assert problem["source"]["context"] == [
        {"line": 1, "text": "def handler(input)"},
        {"line": 2, "text": "  x = 1 +* 2"},
        {"line": 3, "text": "  x"},
        {"line": 4, "text": "end"},
    ]


async def test_code_that_ends_too_early_is_shown_to_its_end(circle: Circle) -> None:
    problem = (await circle.create("broken", inline("def handler(input)\n  [1, 2\n"))).json()
    assert problem["source"]["context"][-1] == {"line": 2, "text": "  [1, 2"}


async def test_code_that_does_not_parse_changes_nothing_when_updated(circle: Circle) -> None:
    element = await circle.ruby()
    refused(await element.patch({"spec": inline(BROKEN)}), 422, "RUBY_SYNTAX_ERROR")
    now = (await element.get()).json()
    assert (now["version"], now["spec"]["source"]["code"]) == (1, ECHO)


async def test_a_refused_save_makes_no_run_and_costs_nothing(circle: Circle) -> None:
    before = await circle.wallet()
    await circle.create("broken", inline(BROKEN))
    element = await circle.ruby()
    await element.patch({"spec": inline(BROKEN)})
    recorded = (await circle.get("/ops/runs", params={"operation": "*"})).json()["runs"]
    assert [run["operation"] for run in recorded] == ["create"]
    assert await circle.wallet() == before


@pytest.mark.parametrize(
    ("spec", "pointer"),
    [
        (inline(""), "/spec/source/code"),
        ({"source": {"type": "inline"}}, "/spec/source/code"),
        ({"source": {"type": "file"}}, "/spec/source/path"),
        ({"source": {"type": "git"}}, "/spec/source/repository"),
        (inline(ECHO, requirements=["not a gem !"]), "/spec/source/requirements/0"),
        (inline(ECHO, requirements=["json >"]), "/spec/source/requirements/0"),
        ({**inline(ECHO), "layers": ["vips"]}, "/spec/layers"),
        ({**inline(ECHO), "memory_mb": 63}, "/spec/memory_mb"),
        ({**inline(ECHO), "memory_mb": 4097}, "/spec/memory_mb"),
        ({**inline(ECHO), "timeout_ms": 99}, "/spec/timeout_ms"),
        ({**inline(ECHO), "timeout_ms": 900_001}, "/spec/timeout_ms"),
        ({**inline(ECHO), "handler": "not a name"}, "/spec/handler"),
        ({**inline(ECHO), "environment": {"1X": "a"}}, "/spec/environment"),
        ({**inline(ECHO), "environment": {"X": 5}}, "/spec/environment/X"),
        ({**inline(ECHO), "environment": {"X": "a\0b"}}, "/spec/environment/X"),
        ({**inline(ECHO), "concurrency": {"max": 0}}, "/spec/concurrency/max"),
        ({**inline(ECHO), "concurrency": {"max": 1, "reserved": 2}}, "/spec/concurrency/reserved"),
        ({**inline(ECHO), "retry": {"max_attempts": 0}}, "/spec/retry/max_attempts"),
    ],
)
async def test_a_spec_that_makes_no_sense_is_refused_with_a_pointer(
    circle: Circle, spec: Any, pointer: str
) -> None:
    problem = refused(await circle.create("odd", spec), 422, "INVALID_SPEC")
    assert any(error["pointer"].startswith(pointer) for error in problem["errors"]), problem["errors"]


async def test_code_beside_source_is_refused_with_a_patch_that_mends_it(circle: Circle) -> None:
    spec = {"code": ECHO, "memory_mb": 64}
    problem = refused(await circle.create("beside", spec), 422, "INVALID_SPEC")
    mended = await circle.create("beside", patched(spec, problem["_suggestion"]["patch"]))
    assert mended.status_code == 201, mended.text
    assert mended.json()["spec"]["source"]["code"] == ECHO


async def test_a_handler_that_is_not_there_is_a_warning(circle: Circle) -> None:
    answer = await circle.create("nobody", inline("def other(input)\n  1\nend\n"))
    assert answer.status_code == 201
    (warning,) = answer.json()["warnings"]
    assert warning["pointer"].startswith("/spec")
    assert "handler" in warning["message"]
    assert "other" in warning["message"]


async def test_a_handler_that_turns_out_missing_is_a_failed_charged_run(circle: Circle) -> None:
    element = await circle.ruby("def other(input)\n  1\nend\n")
    before = (await circle.wallet())["balance_micro_au"]
    problem = refused(await element.invoke({}), 422, "RUBY_HANDLER_NOT_FOUND")
    assert "handler" in problem["detail"]
    run = await element.run(problem["run_id"])
    assert (run["status"], run["cost_micro_au"]) == ("failed", 10_000)
    assert (await circle.wallet())["balance_micro_au"] == before - 10_000


async def test_a_handler_may_be_defined_while_loading(circle: Circle) -> None:
    element = await circle.ruby("define_method(:handler) { |input| input['n'] * 2 }\n")
    assert (await element.invoke({"n": 21})).json() == 42


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        ("handler", "def handler(input) = input['n']\n"),
        ("run", "def run(input)\n  input['n']\nend\n"),
        ("ready?", "def ready?(input) = input['n']\n"),
        ("Mod.handler", "module Mod\n  def self.handler(input) = input['n']\nend\n"),
        ("Mod.call", "module Mod\n  module_function\n  def call(input) = input['n']\nend\n"),
        ("A::B.call", "module A; module B; class << self; def call(input) = input['n']; end; end; end\n"),
        ("Shop.call", "class Shop\n  def self.call(input) = new.go(input)\n  def go(input) = input['n']\nend\n"),
        ("handler", "def handler(input, options = {})\n  input['n'] + options.size\nend\n"),
        ("handler", "def handler(*args) = args.first['n']\n"),
        ("handler", "private def handler(input) = input['n']\n"),
    ],
)  # fmt: skip
async def test_handlers_come_in_these_forms(circle: Circle, handler: str, code: str) -> None:
    answer = await circle.create("formed", {**inline(code), "handler": handler})
    assert (answer.status_code, answer.json()["warnings"]) == (201, []), answer.text
    assert (await circle.post("/formed/ops/invoke", {"n": 42})).json() == 42


@pytest.mark.parametrize("handler", ["puts", "system", "Mod.missing", "Absent.call", "instance_eval"])
async def test_what_ruby_itself_defines_is_no_handler(circle: Circle, handler: str) -> None:
    answer = await circle.create("formed", {**inline("module Mod; end\n"), "handler": handler})
    assert answer.status_code == 201
    assert len(answer.json()["warnings"]) == 1
    refused(await circle.post("/formed/ops/invoke", {"n": 42}), 422, "RUBY_HANDLER_NOT_FOUND")


@pytest.mark.parametrize("code", ["def handler\n  1\nend\n", "def handler(input:)\n  1\nend\n"])
async def test_a_handler_that_takes_no_input_is_told_how_it_is_called(circle: Circle, code: str) -> None:
    problem = refused(await (await circle.ruby(code)).invoke({}), 500, "RUBY_EXECUTION_FAILED")
    assert "def handler(input)" in problem["detail"]


async def test_checking_source_executes_nothing_and_says_line_and_column(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.post("/ops/validate_source", {"source": {"code": "BEGIN { exit! }\nx = (1 + \n"}})
    assert answer.status_code == 200
    found = answer.json()
    assert found["valid"] is False
    assert set(found["errors"][0]) == {"line", "column", "message"}
    assert found["errors"][0]["line"] >= 2


async def test_checking_source_finds_a_missing_handler(circle: Circle) -> None:
    element = await circle.ruby()
    asked = {"source": {"code": "def other(input) = 1\n"}, "handler": "mine"}
    found = (await element.post("/ops/validate_source", asked)).json()
    assert found["valid"] is False
    assert "mine" in found["errors"][0]["message"]
    asked["handler"] = "other"
    assert (await element.post("/ops/validate_source", asked)).json() == {"valid": True, "errors": []}


async def test_checking_source_saves_nothing_and_leaves_no_run(circle: Circle) -> None:
    element = await circle.ruby()
    before = await element.runs(operation="*")
    await element.post("/ops/validate_source", {"source": {"code": BROKEN}})
    assert (await element.get()).json()["version"] == 1
    assert await element.runs(operation="*") == before


async def test_what_is_checked_cannot_reach_the_checker(circle: Circle) -> None:
    """Source is data to the check program: neither BEGIN blocks nor heredocs nor __END__ get out of it."""
    probe = await snippets(circle)
    for code in (
        "BEGIN { abort }\n1\n",
        "__END__\ndef (",
        "#!ruby -n\n1\n",
        "# encoding: dummy\n1\n",
        "\0",
        "\\\r\n",
    ):
        answer = await probe.element.post("/ops/validate_source", {"source": {"code": code}})
        assert answer.status_code == 200, (code, answer.text)
