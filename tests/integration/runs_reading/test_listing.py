"""Lists of runs: what is in them, in which order, and how they are narrowed and paged."""

from datetime import timedelta
from typing import Any

import pytest

from triform.circles.model import Circle
from triform.elements.model import Element
from triform.errors import Failure, InvalidInput
from triform.runs.model import Run, Status


async def listed(world: Any, element: Element, /, asked: str = "runs", **given: Any) -> list[str]:
    return [run["run_id"] for run in (await world.ask(asked, element, **given))["runs"]]


def ids(*runs: Run) -> list[str]:
    return [str(run.run_id) for run in runs]


async def test_runs_come_newest_first_and_only_executions_unless_all_are_wanted(
    world: Any, element: Element
) -> None:
    first = await world.add(element)
    update = await world.add(element, operation="update", execution=False)
    deploy = await world.add(element, operation="deploy")
    assert await listed(world, element) == ids(deploy, first)
    assert await listed(world, element, operation="*") == ids(deploy, update, first)
    assert await listed(world, element, operation="update") == ids(update)
    assert await listed(world, element, operation="invoke") == ids(first)
    assert await listed(world, element, operation="nothing") == []


async def test_an_element_lists_its_own_runs_and_a_circle_all_of_its_own(world: Any, circle: Circle) -> None:
    one, two = await world.new_element(circle, "one"), await world.new_element(circle, "two")
    foreign = await world.new_element(await world.new_circle("other"), "one")
    first, second, third = await world.add(one), await world.add(two), await world.add(foreign)
    root = await world.root(circle)
    assert await listed(world, one) == ids(first)
    assert await listed(world, root, "circle_runs") == ids(second, first)
    assert await listed(world, root, "runs") == []
    assert await listed(world, foreign) == ids(third)


async def test_filters_narrow_alone_and_together(world: Any, element: Element) -> None:
    plain = await world.add(element)
    failed = await world.add(
        element,
        status=Status.failed,
        output=None,
        element_version=2,
        failure=Failure(code="RUBY_TIMEOUT", kind="timeout", message='Too "slow" \\ 100%\nreally'),
    )
    queued = await world.add(element, status=Status.pending, trigger="async", element_version=2, output=None)
    assert await listed(world, element, status="failed") == ids(failed)
    assert await listed(world, element, trigger="async") == ids(queued)
    assert await listed(world, element, version=2) == ids(queued, failed)
    assert await listed(world, element, version="2", status="pending") == ids(queued)
    assert await listed(world, element, version=1, status="pending") == []
    assert await listed(world, element, q=str(plain.run_id)) == ids(plain)
    assert await listed(world, element, q=str(plain.run_id)[:8].upper()) == ids(queued, failed, plain)
    assert await listed(world, element, q="ruby_timeout") == ids(failed)
    for part in ('too "SLOW"', "\\ 100%", "\nreally", "%"):
        assert await listed(world, element, q=part) == ids(failed)
    for part in ("retryable", "timeout_", "_", "message"):
        assert await listed(world, element, q=part) == []


async def test_an_error_with_a_nul_in_its_message_does_not_break_the_search(world: Any, element: Element) -> None:
    failure = Failure(code="RUBY_EXECUTION_FAILED", kind="internal", message="odd \0 name é")
    run = await world.add(element, status=Status.failed, output=None, failure=failure)
    assert await listed(world, element, q="name é") == ids(run)
    assert await listed(world, element, q="other") == []


async def test_since_is_inclusive_and_until_exclusive(world: Any, element: Element) -> None:
    runs = []
    for _ in range(3):
        world.clock.advance(10)
        runs.append(await world.add(element))
    middle = runs[1].created_at.isoformat()
    assert await listed(world, element, since=middle) == ids(runs[2], runs[1])
    assert await listed(world, element, until=middle) == ids(runs[0])
    assert await listed(world, element, since=middle, until=middle) == []


async def test_times_decide_even_when_the_clock_was_set_back(world: Any, element: Element) -> None:
    before = await world.add(element)
    world.clock.set(world.clock.now() - timedelta(hours=1))
    after = await world.add(element)
    assert after.run_id > before.run_id
    until = (before.created_at - timedelta(minutes=30)).isoformat()
    assert await listed(world, element, until=until) == ids(after)
    assert await listed(world, element, since=until) == ids(before)


async def test_pages_by_cursor_neither_repeat_nor_miss_a_run_while_new_ones_arrive(
    world: Any, element: Element
) -> None:
    runs = [await world.add(element) for _ in range(7)]
    seen: list[str] = []
    page = await world.ask("runs", element, limit=3)
    while True:
        seen += [run["run_id"] for run in page["runs"]]
        if page["next"] is None:
            break
        await world.add(element)
        page = await world.ask("runs", element, limit=3, next=page["next"])
    assert seen == ids(*reversed(runs))


async def test_a_full_last_page_has_no_next(world: Any, element: Element) -> None:
    await world.add(element)
    assert (await world.ask("runs", element, limit=1))["next"] is None


async def test_an_offset_skips_runs(world: Any, element: Element) -> None:
    runs = [await world.add(element) for _ in range(3)]
    assert await listed(world, element, limit="1", offset="1") == ids(runs[1])


async def test_fifty_runs_are_listed_when_no_limit_is_given(world: Any, element: Element) -> None:
    for _ in range(51):
        await world.add(element)
    page = await world.ask("runs", element)
    assert (len(page["runs"]), page["next"] is None) == (50, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "done"), ("status", ["failed"]), ("since", "yesterday"), ("since", "2026-01-01T00:00:00"),
        ("until", 5), ("version", 0), ("version", "x"), ("version", 1.5), ("trigger", "cron"), ("limit", 0),
        ("limit", 501), ("limit", True), ("limit", "²"), ("offset", -1), ("next", "not a cursor"),
        ("next", "é"), ("next", 7), ("next", "AAAA"), ("q", "x" * 201), ("q", "a\0"), ("operation", 4),
    ],
)  # fmt: skip
async def test_an_argument_that_cannot_be_read_is_refused_with_its_pointer(
    world: Any, element: Element, name: str, value: Any
) -> None:
    given = {name: value}
    with pytest.raises(InvalidInput) as refused:
        await world.ask("runs", element, **given)
    assert [each.pointer for each in refused.value.errors] == [f"/{name}"]
    assert refused.value.suggestion is not None


async def test_all_unreadable_arguments_are_named_at_once(world: Any, element: Element) -> None:
    with pytest.raises(InvalidInput) as refused:
        await world.ask("runs", element, status="x", limit=0)
    assert [each.pointer for each in refused.value.errors] == ["/status", "/limit"]


async def test_small_inputs_and_outputs_are_in_the_list_and_large_ones_begin_there(
    world: Any, element: Element
) -> None:
    large = b'"' + "é".encode() * 5000 + b'"'
    await world.add(element, input=b'{"n":12345678901234567890123}', input_size=29, output=large)
    run = (await world.ask("runs", element))["runs"][0]
    assert run["input"] == {"n": 12345678901234567890123}
    assert run["output"] is None
    assert run["output_omitted"]["bytes"] == len(large)
    assert run["output_omitted"]["preview"].startswith('"éé')
    assert "input_omitted" not in run
    assert "lines" not in run["logs"]
