"""One run, with everything known about it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from triform.circles.model import Circle
from triform.elements.model import Element
from triform.errors import Failure, InvalidInput, NotFound, Suggestion
from triform.runs.logs import Line, LogBook
from triform.runs.model import Attempt, Debit, LogSummary, Run, Status, Usage
from triform.runs.show import run_json

NAMES = [
    "run_id", "circle", "element", "element_id", "element_version", "env", "operation", "status", "trigger",
    "replay_of", "batch", "actor", "input", "output", "error", "attempts", "next_attempt_at", "logs", "usage",
    "isolation", "cost_micro_au", "debits", "trace_id", "created_at", "started_at", "finished_at", "duration_ms",
]  # fmt: skip


async def test_a_run_shows_everything_the_contract_names(world: Any, element: Element) -> None:
    now = world.clock.now()
    run = await world.add(
        element,
        lines=(Line(1, "stdout", 1_767_225_600_000_001, "hello"),),
        logs=LogSummary(1, 0, True),
        attempts=(Attempt(number=1, started_at=now, ended_at=now, status="completed"),),
        usage=Usage(12.34567, 0.1, 3.0, 9.9999, 20.5),
        debits=(Debit("per_invocation", 10_000),),
        cost_micro_au=10_000,
        isolation="process",
        trace_id="t",
    )
    shown = await world.ask("run_get", element, run_id=str(run.run_id))
    assert list(shown) == [*NAMES, "replays"]
    assert shown["actor"] == {"kind": "user", "id": "ada"}
    assert shown["logs"] == {
        "total": 1, "dropped": 0, "complete": True,
        "lines": [{"seq": 1, "at": "2026-01-01T00:00:00.000001Z", "stream": "stdout", "text": "hello"}],
    }  # fmt: skip
    assert shown["usage"] == {
        "duration_ms": 12.346, "queue_ms": 0.1, "cold_start_ms": 3.0, "cpu_ms": 10.0, "memory_peak_mb": 20.5,
    }  # fmt: skip
    assert shown["debits"] == [{"dimension": "per_invocation", "amount_micro_au": 10_000}]
    assert shown["attempts"][0]["number"] == 1
    assert (shown["duration_ms"], shown["created_at"]) == (12.346, "2026-01-01T00:00:00.000000Z")


@pytest.mark.parametrize(
    "stored", [b'{"b":1,"a":1.0}', b'"\\u0000"', b"123456789012345678901234567890", b"1.10", b"null", b"[]"]
)
async def test_input_and_output_go_out_byte_for_byte(world: Any, element: Element, stored: bytes) -> None:
    run: Run = await world.add(element, input=stored, input_size=len(stored), output=stored)
    encoded = msgspec.json.encode(run_json(run))
    assert b'"input":' + stored + b',"output":' + stored in encoded
    shown = await world.ask("run_get", element, run_id=str(run.run_id))
    assert shown["output"] == msgspec.json.decode(stored)


async def test_a_failed_run_says_what_and_how_to_get_past_it(world: Any, element: Element) -> None:
    failure = Failure(
        code="RUBY_TIMEOUT",
        kind="timeout",
        message="too slow",
        retryable=True,
        suggestion=Suggestion(why="w", fix="f"),
        facts={"exception": {"class": "X"}},
    )
    run = await world.add(element, status=Status.failed, output=None, failure=failure)
    shown = await world.ask("run_get", element, run_id=str(run.run_id))
    assert shown["error"] == {
        "exception": {"class": "X"}, "code": "RUBY_TIMEOUT", "class": "timeout", "message": "too slow",
        "retryable": True, "_suggestion": {"why": "w", "fix": "f"},
    }  # fmt: skip
    assert (shown["output"], shown["status"]) == (None, "failed")


async def test_a_run_comes_with_its_last_two_hundred_lines(world: Any, element: Element) -> None:
    lines = tuple(Line(n, "stdout", n, str(n)) for n in range(1, 251))
    run = await world.add(element, lines=lines, logs=LogSummary(250, 0, True))
    logs = (await world.ask("run_get", element, run_id=str(run.run_id)))["logs"]
    assert (logs["total"], len(logs["lines"]), logs["lines"][0]["seq"]) == (250, 200, 51)


async def test_an_input_that_was_too_large_to_keep_is_told_by_size_and_digest(
    world: Any, element: Element
) -> None:
    run = await world.add(element, operation="update", input=None, input_size=70_000, input_digest=b"\xab")
    shown = await world.ask("run_get", element, run_id=str(run.run_id))
    assert shown["input"] is None
    assert shown["input_omitted"] == {"bytes": 70_000, "sha256": "ab"}


async def test_a_running_run_shows_what_it_printed_so_far(world: Any, element: Element) -> None:
    run = await world.add(element, status=Status.running, output=None, finished_at=None)
    book = LogBook(world.clock, 1000)
    book.write("stdout", b"so far\n")
    world.print(run, book)
    shown = await world.ask("run_get", element, run_id=str(run.run_id))
    assert [line["text"] for line in shown["logs"]["lines"]] == ["so far"]
    assert (shown["logs"]["total"], shown["logs"]["complete"]) == (1, True)
    assert (shown["duration_ms"], shown["finished_at"], shown["output"]) == (None, None, None)


async def test_lines_of_a_run_that_goes_on_elsewhere_are_said_to_be_incomplete(
    world: Any, element: Element
) -> None:
    run = await world.add(element, status=Status.running, output=None, finished_at=None)
    shown = await world.ask("run_get", element, run_id=str(run.run_id))
    assert shown["logs"] == {"total": 0, "dropped": 0, "complete": False, "lines": []}


async def test_a_run_between_two_attempts_says_when_the_next_is_due(world: Any, element: Element) -> None:
    due = world.clock.now() + timedelta(seconds=1)
    run = await world.add(element, status=Status.pending, output=None, finished_at=None, next_attempt_at=due)
    shown = await world.ask("run_get", element, run_id=str(run.run_id))
    assert (shown["status"], shown["next_attempt_at"]) == ("pending", "2026-01-01T00:00:01.000000Z")
    assert shown["logs"]["complete"] is True


async def test_a_run_is_found_through_its_element_and_its_circle_only(world: Any, circle: Circle) -> None:
    one, two = await world.new_element(circle, "one"), await world.new_element(circle, "two")
    other = await world.new_circle("other")
    foreign = await world.new_element(other, "one")
    run_id = str((await world.add(one)).run_id)
    assert (await world.ask("run_get", one, run_id=run_id))["run_id"] == run_id
    assert (await world.ask("circle_run_get", await world.root(circle), run_id=run_id))["run_id"] == run_id
    for operation, element in (
        ("run_get", two),
        ("run_get", foreign),
        ("circle_run_get", await world.root(other)),
        ("run_get", await world.root(circle)),
    ):
        with pytest.raises(NotFound):
            await world.ask(operation, element, run_id=run_id)


async def test_an_absent_run_is_not_found_and_what_is_no_id_is_refused(world: Any, element: Element) -> None:
    with pytest.raises(NotFound):
        await world.ask("run_get", element, run_id=str(uuid4()))
    for value in ("x", 5, None):
        with pytest.raises(InvalidInput):
            await world.ask("run_get", element, run_id=value)
