"""Finding runs again: lists, filters, pages, figures."""

from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest

from tests.acceptance.client import (
    Circle,
    Element,
    refused,
    run_id_of,
)
from tests.acceptance.conftest import Circles


async def _of_all_kinds(circle: Circle) -> Element:
    """Runs: completed v1, failed v1 (message 'needle'), completed v2 async, cancelled v2 async."""
    element = await circle.ruby(
        "def handler(input)\n  raise input['raise'] if input['raise']\n  sleep if input['hold']\nend\n"
    )
    await element.invoke({})
    await element.invoke({"raise": "a Needle in here"})
    await element.patch({})
    await element.ended(await element.start({}))
    held = await element.start({"hold": True})
    await element.reached(held, "running")
    assert (await element.cancel(held)).status_code == 200
    return element


async def test_runs_are_listed_newest_first_and_filtered(circle: Circle) -> None:
    element = await _of_all_kinds(circle)
    everything = await element.runs()
    assert [run["status"] for run in everything] == ["cancelled", "completed", "failed", "completed"]

    async def found(**query: str) -> list[int]:
        chosen = [run["run_id"] for run in await element.runs(**query)]
        return [place for place, run in enumerate(everything) if run["run_id"] in chosen]

    assert await found(status="failed") == [2]
    assert await found(status="completed", version="2") == [1]
    assert await found(version="1") == [2, 3]
    assert await found(trigger="async") == [0, 1]
    assert await found(trigger="http") == [2, 3]
    assert await found(trigger="schedule") == []
    assert await found(operation="invoke") == [0, 1, 2, 3]
    assert await found(operation="deploy") == []
    assert await found(q="needle") == [2]
    assert await found(q="RUBY_EXECUTION_FAILED") == [2]
    assert await found(q=everything[3]["run_id"]) == [3]
    assert await found(q="nothing like it") == []
    assert await found(since=everything[1]["created_at"]) == [0, 1]
    assert await found(until=everything[1]["created_at"]) == [2, 3]
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert await found(since=soon) == []


async def test_runs_are_paged_by_limit_offset_and_cursor(circle: Circle) -> None:
    element = await circle.ruby()
    for number in range(7):
        await element.invoke({"n": number})
    assert [run["input"]["n"] for run in await element.runs(limit=2, offset=3)] == [3, 2]
    pages: list[list[int]] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = (await element.get("/ops/runs", params=query)).json()
        pages.append([run["input"]["n"] for run in page["runs"]])
        if page["next"] is None:
            break
        await element.invoke({"n": "newer"})
        query["next"] = page["next"]
    assert pages == [[6, 5, 4], [3, 2, 1], [0]]


async def test_a_page_has_50_runs_unless_told(circle: Circle) -> None:
    element = await circle.ruby()
    async with anyio.create_task_group() as callers:
        for _ in range(51):
            callers.start_soon(element.invoke, {})
    page = (await element.get("/ops/runs")).json()
    assert len(page["runs"]) == 50
    assert page["next"]
    assert len(await element.runs(limit=500)) == 51


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "501"),
        ("limit", "many"),
        ("offset", "-1"),
        ("status", "done"),
        ("since", "yesterday"),
        ("version", "0"),
        ("trigger", "magic"),
        ("next", "!"),
    ],
)
async def test_filters_that_cannot_be_read_are_refused_by_name(circle: Circle, name: str, value: str) -> None:
    element = await circle.ruby()
    problem = refused(await element.get("/ops/runs", params={name: value}), 422, "INVALID_INPUT")
    assert problem["errors"][0]["pointer"] == f"/{name}"


async def test_the_circle_lists_the_runs_of_all_its_elements(circle: Circle) -> None:
    one, two = await circle.ruby(), await circle.ruby()
    await one.invoke({})
    await two.invoke({})
    listed = (await circle.get("/ops/runs")).json()["runs"]
    assert [run["element"] for run in listed] == [two.slug, one.slug]


async def test_runs_of_another_circle_are_not_to_be_found(new_circle: Circles) -> None:
    mine, theirs = await new_circle(), await new_circle()
    element = await theirs.ruby()
    run_id = run_id_of(await element.invoke({}))
    refused(await mine.get(f"/ops/runs/{run_id}"), 404, "NOT_FOUND")
    assert (await mine.get("/ops/runs", params={"q": run_id})).json()["runs"] == []


async def test_stats_count_what_happened(circle: Circle) -> None:
    element = await _of_all_kinds(circle)
    stats = (await element.get("/ops/stats", params={"period": "hour"})).json()
    assert (stats["period"], stats["runs"]) == ("hour", 4)
    assert stats["health"] in ("healthy", "warning", "error")
