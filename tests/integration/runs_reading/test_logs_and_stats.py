"""What an element printed, and how it has been doing."""

from datetime import timedelta
from typing import Any

import pytest

from triform.circles.model import Circle
from triform.elements.model import Element
from triform.errors import Failure, InvalidInput
from triform.runs.logs import Line, LogBook
from triform.runs.model import LogSummary, Run, Status, Usage

FAILURE = Failure(code="RUBY_TIMEOUT", kind="timeout", message="slow")


def lines(*texts: str) -> tuple[Line, ...]:
    return tuple(Line(n, "stdout", n, text) for n, text in enumerate(texts, 1))


async def printed(world: Any, element: Element, **given: Any) -> list[str]:
    return [line["text"] for line in (await world.ask("logs", element, **given))["lines"]]


async def with_lines(world: Any, element: Element, *texts: str, **given: Any) -> Run:
    run: Run = await world.add(element, lines=lines(*texts), logs=LogSummary(len(texts), 0, True), **given)
    return run


async def test_lines_of_all_runs_come_oldest_first_each_with_its_run(world: Any, element: Element) -> None:
    first = await with_lines(world, element, "a", "b")
    await world.add(element)
    await with_lines(world, element, "c")
    answer = await world.ask("logs", element)
    assert [line["text"] for line in answer["lines"]] == ["a", "b", "c"]
    assert answer["complete"] is True
    assert answer["lines"][1] == {
        "run_id": str(first.run_id), "seq": 2, "at": "1970-01-01T00:00:00.000002Z",
        "stream": "stdout", "text": "b",
    }  # fmt: skip


async def test_a_limit_keeps_the_last_lines(world: Any, element: Element) -> None:
    await with_lines(world, element, "a", "b")
    await with_lines(world, element, "c", "d", "e")
    for limit, expected in ((1, "e"), (3, "cde"), (4, "bcde"), (5, "abcde"), (6, "abcde")):
        assert await printed(world, element, limit=limit) == list(expected)
    assert (await world.ask("logs", element, limit=2))["complete"] is True


async def test_only_lines_of_later_runs_are_shown_and_missing_ones_are_said(world: Any, element: Element) -> None:
    first = await with_lines(world, element, "a")
    await with_lines(world, element, "b", "c")
    since = str(first.run_id)
    assert await printed(world, element, since_run_id=since) == ["b", "c"]
    assert (await world.ask("logs", element, since_run_id=since))["complete"] is True
    cut = await world.ask("logs", element, since_run_id=since, limit=1)
    assert ([line["text"] for line in cut["lines"]], cut["complete"]) == (["c"], False)


@pytest.mark.parametrize("logs", [LogSummary(1, 5, True), LogSummary(1, 0, False)])
async def test_lost_lines_are_said(world: Any, element: Element, logs: LogSummary) -> None:
    await world.add(element, lines=lines("a"), logs=logs)
    assert (await world.ask("logs", element))["complete"] is False


async def test_more_runs_than_are_read_at_once_are_all_shown(world: Any, element: Element) -> None:
    for n in range(120):
        await with_lines(world, element, str(n))
    assert await printed(world, element) == [str(n) for n in range(120)]


async def test_what_running_runs_print_is_shown_at_once(world: Any, element: Element) -> None:
    await with_lines(world, element, "done")
    run = await world.add(element, status=Status.running, output=None, finished_at=None)
    assert (await world.ask("logs", element))["complete"] is False
    book = LogBook(world.clock, 1000)
    book.write("stderr", b"now\n")
    world.print(run, book)
    answer = await world.ask("logs", element)
    assert ([line["text"] for line in answer["lines"]], answer["complete"]) == (["done", "now"], True)


async def test_lines_of_others_are_never_mixed_in(world: Any, circle: Circle) -> None:
    one, two = await world.new_element(circle, "one"), await world.new_element(circle, "two")
    await with_lines(world, two, "secret")
    assert await world.ask("logs", one) == {"lines": [], "complete": True}


@pytest.mark.parametrize("given", [{"limit": 0}, {"limit": 10_001}, {"since_run_id": "x"}, {"since_run_id": 3}])
async def test_arguments_that_cannot_be_read_are_refused(world: Any, element: Element, given: Any) -> None:
    with pytest.raises(InvalidInput):
        await world.ask("logs", element, **given)


async def test_an_element_that_never_ran_is_healthy(world: Any, element: Element) -> None:
    assert await world.ask("stats", element) == {
        "period": "day", "runs": 0, "runs_per_day": 0, "errors_per_day": 0, "success_rate": None,
        "avg_duration_ms": None, "p50_duration_ms": None, "p95_duration_ms": None, "cost_micro_au": 0,
        "last_run_at": None, "health": "healthy",
    }  # fmt: skip


async def test_figures_are_of_executions_that_ended_by_themselves(world: Any, element: Element) -> None:
    for ms in (10.0, 20.0, 30.0):
        await world.add(element, usage=Usage(duration_ms=ms), cost_micro_au=10_000)
    await world.add(element, status=Status.failed, output=None, failure=FAILURE, usage=Usage(duration_ms=40.0))
    await world.add(element, status=Status.cancelled, output=None, usage=Usage(duration_ms=9999.0))
    await world.add(element, status=Status.running, output=None, finished_at=None)
    await world.add(element, operation="update", execution=False, usage=Usage(duration_ms=9999.0))
    figures = await world.ask("stats", element)
    assert figures == {
        "period": "day", "runs": 6, "runs_per_day": 6, "errors_per_day": 1, "success_rate": 0.75,
        "avg_duration_ms": 25.0, "p50_duration_ms": 25.0, "p95_duration_ms": 38.5, "cost_micro_au": 30_000,
        "last_run_at": "2026-01-01T00:00:00.000000Z", "health": "error",
    }  # fmt: skip


async def test_a_period_looks_no_further_back_than_it_says(world: Any, element: Element) -> None:
    now = world.clock.now()
    for age in (timedelta(minutes=30), timedelta(hours=5), timedelta(days=3), timedelta(days=20)):
        world.clock.set(now - age)
        await world.add(element)
    world.clock.set(now)
    counts = [(await world.ask("stats", element, period=p))["runs"] for p in ("hour", "day", "week", "month")]
    assert counts == [1, 2, 3, 4]
    assert (await world.ask("stats", element, period="hour"))["runs_per_day"] == 24
    with pytest.raises(InvalidInput):
        await world.ask("stats", element, period="year")
