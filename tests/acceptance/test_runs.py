"""A run: its record, its headers, and finding it again."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any
from uuid import UUID, uuid4

import anyio
import httpx2
import pytest

from tests.acceptance.client import (
    ECHO,
    FAIL,
    HOLD,
    PRICE,
    Circle,
    Element,
    lines_of,
    refused,
    run_id_of,
    timing_of,
    until,
)
from tests.acceptance.conftest import Circles

MEMBERS = {
    *("run_id", "circle", "element", "element_id", "element_version", "env", "operation", "status", "trigger"),
    *("actor", "input", "output", "error", "attempts", "logs", "usage", "isolation", "cost_micro_au", "debits"),
    *("trace_id", "created_at", "started_at", "finished_at", "duration_ms"),
}


async def test_a_run_tells_everything_the_contract_names(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  puts 'a'\n  warn 'b'\n  [input]\nend\n")
    described = (await element.get()).json()
    run = await element.run(run_id_of(await element.invoke({"n": 1})))
    assert set(run) >= MEMBERS
    assert (run["circle"], run["element"], run["element_id"]) == (circle.name, element.slug, described["id"])
    assert (run["element_version"], run["env"], run["operation"]) == (1, "draft", "invoke")
    assert (run["status"], run["trigger"], run["error"]) == ("completed", "http", None)
    assert (run["input"], run["output"]) == ({"n": 1}, [{"n": 1}])
    assert run["actor"]["kind"] == "user"
    assert run["actor"]["id"]
    assert UUID(run["run_id"]).version == 7
    assert run["isolation"] == "process"
    assert set(run["usage"]) == {"duration_ms", "queue_ms", "cold_start_ms", "cpu_ms", "memory_peak_mb"}
    assert run["usage"]["duration_ms"] > 0
    assert run["usage"]["memory_peak_mb"] > 0
    assert (run["logs"]["total"], run["logs"]["dropped"], run["logs"]["complete"]) == (2, 0, True)
    assert sorted((line["stream"], line["text"]) for line in run["logs"]["lines"]) == [
        ("stderr", "b"),
        ("stdout", "a"),
    ]
    assert (run["cost_micro_au"], run["debits"]) == (
        PRICE,
        [{"dimension": "per_invocation", "amount_micro_au": PRICE}],
    )
    assert len(run["attempts"]) == 1
    assert len(run["trace_id"]) == 32


async def test_times_are_rfc3339_in_utc_with_microseconds_and_in_order(circle: Circle) -> None:
    element = await circle.ruby()
    run = await element.run(run_id_of(await element.invoke({})))
    times = [run["created_at"], run["started_at"], run["finished_at"]]
    assert all(len(each) == 27 and each.endswith("Z") for each in times)
    assert times == sorted(times)


async def test_invoke_answers_with_the_bare_value_and_facts_in_headers(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.invoke([1, None])
    assert answer.json() == [1, None]
    run = await element.run(answer.headers["Triform-Run-Id"])
    assert answer.headers["Triform-Cost-Micro-Au"] == str(PRICE)
    assert answer.headers["Triform-Version"] == "1"
    assert answer.headers["Triform-Env"] == "draft"
    assert answer.headers["traceparent"].split("-")[1] == run["trace_id"]
    assert answer.headers["Location"] == f"{element.path}/ops/runs/{run['run_id']}"


async def test_server_timing_names_queue_cold_exec_and_total(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.invoke({})
    timing = timing_of(answer)
    assert set(timing) == {"queue", "cold", "exec", "total"}
    assert timing["total"] >= timing["exec"] > 0


async def test_the_trace_of_the_caller_goes_on_in_the_run(circle: Circle) -> None:
    element = await circle.ruby()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await element.invoke({}, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert answer.headers["traceparent"].split("-")[1] == trace
    assert (await element.run(run_id_of(answer)))["trace_id"] == trace


async def test_a_failed_run_is_a_problem_with_its_run_id_and_never_200(circle: Circle) -> None:
    element = await circle.ruby(FAIL)
    answer = await element.invoke({"why": "too cold"})
    problem = refused(answer, 500, "RUBY_EXECUTION_FAILED")
    assert problem["run_id"] == run_id_of(answer)
    assert problem["instance"] == f"{element.path}/ops/invoke"
    assert "too cold" in problem["detail"]
    run = await element.run(problem["run_id"])
    assert (run["status"], run["output"]) == ("failed", None)
    assert run["error"]["code"] == "RUBY_EXECUTION_FAILED"
    assert run["error"]["_suggestion"]["fix"]
    assert run["trace_id"] == problem["trace_id"]


async def test_platform_operations_are_recorded_too_but_not_listed_unasked(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.patch({"name": "Named"})
    assert await element.runs() == []
    (listed,) = await element.runs(operation="*")
    assert listed["run_id"] == run_id_of(answer)
    assert (listed["operation"], listed["status"]) == ("update", "completed")
    run = await element.run(run_id_of(answer))
    assert run["input"] == {"name": "Named"}
    assert run["output"]["version"] == 2
    assert (run["cost_micro_au"], run["debits"]) == (0, [])


async def test_create_is_a_run_of_the_circle(circle: Circle) -> None:
    answer = await circle.create("greet", {"source": {"code": ECHO}})
    run = (await circle.get(f"/ops/runs/{run_id_of(answer)}")).json()
    assert (run["operation"], run["element"]) == ("create", circle.name)


@pytest.mark.parametrize("path", ["validate_source", "update_meta"])
async def test_checking_source_and_meta_leave_no_run(circle: Circle, path: str) -> None:
    element = await circle.ruby()
    body = {"validate_source": {"source": {"code": ECHO}}, "update_meta": {"meta": {"a": 1}}}[path]
    answer = await element.post(f"/ops/{path}", body)
    assert answer.status_code == 200
    assert "Triform-Run-Id" not in answer.headers
    assert await element.runs(operation="*") == []


async def test_reading_leaves_no_run(circle: Circle) -> None:
    element = await circle.ruby()
    for path in ("", "/ops/get", "/ops/version", "/ops/runs", "/ops/logs", "/ops/diagnostics"):
        assert "Triform-Run-Id" not in (await element.get(path)).headers
        await element.post(path or "/ops/get", {})
    assert await element.runs(operation="*") == []


async def test_a_refused_operation_leaves_no_run(circle: Circle) -> None:
    element = await circle.ruby()
    await element.patch({"spec": {"memory_mb": 1}})
    await element.request("DELETE")
    await element.post("/ops/invoke", content=b"{", headers={"Content-Type": "application/json"})
    assert await element.runs(operation="*") == []


async def test_a_large_input_of_a_platform_operation_is_kept_as_digest_and_size(circle: Circle) -> None:
    element = await circle.ruby()
    code = ECHO + "#" * (65 << 10)
    run = await element.run(run_id_of(await element.patch({"spec": {"source": {"code": code}}})))
    assert run["input"] is None
    assert run["input_omitted"]["bytes"] > 65 << 10
    assert len(run["input_omitted"]["sha256"]) == 64


async def test_run_get_shows_the_last_200_lines_and_counts_all(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  250.times { |n| puts n }\nend\n")
    run = await element.run(run_id_of(await element.invoke({})))
    assert lines_of(run) == [str(number) for number in range(50, 250)]
    assert run["logs"]["total"] == 250
    assert (await element.runs())[0]["logs"] == {"total": 250, "dropped": 0, "complete": True}


async def test_logs_tell_the_lines_of_recent_runs_oldest_first(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  puts input['say'], 'end'\nend\n")
    first = run_id_of(await element.invoke({"say": "one"}))
    await element.invoke({"say": "two"})
    told = (await element.get("/ops/logs")).json()
    assert [line["text"] for line in told["lines"]] == ["one", "end", "two", "end"]
    assert told["complete"] is True
    assert set(told["lines"][0]) == {"run_id", "seq", "at", "stream", "text"}
    later = (await element.get("/ops/logs", params={"since_run_id": first})).json()
    assert [line["text"] for line in later["lines"]] == ["two", "end"]


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


async def test_a_client_that_goes_away_cancels_nothing(circle: Circle) -> None:
    element = await circle.ruby(
        "def handler(input)\n  $stdout.sync = true\n  puts 'started'\n  sleep 1\n  puts 'done'\n  42\nend\n"
    )
    await element.invoke({})
    with pytest.raises(httpx2.TimeoutException):
        await element.invoke({}, timeout=0.3)
    run = await element.ended((await element.runs())[0]["run_id"])
    assert (run["status"], run["output"], lines_of(run)) == ("completed", 42, ["started", "done"])


async def test_stats_count_what_happened(circle: Circle) -> None:
    element = await _of_all_kinds(circle)
    stats = (await element.get("/ops/stats", params={"period": "hour"})).json()
    assert (stats["period"], stats["runs"]) == ("hour", 4)
    assert stats["health"] in ("healthy", "warning", "error")


async def test_prefer_async_is_accepted_with_the_run_as_body(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.invoke({"n": 1}, prefer="respond-async")
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert int(answer.headers["Retry-After"]) >= 0
    assert answer.headers["Location"] == f"{element.path}/ops/runs/{answer.json()['run_id']}"
    assert (answer.json()["status"], answer.json()["trigger"]) == ("pending", "async")
    run = await element.ended(answer.json()["run_id"])
    assert (run["status"], run["output"]) == ("completed", {"n": 1})


async def test_get_right_after_202_finds_the_run_a_thousand_times(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  nil\nend\n")
    statuses: list[int] = []

    async def one_after_the_other(times: int) -> None:
        for _ in range(times):
            run_id = await element.start({})
            statuses.append((await element.get(f"/ops/runs/{run_id}")).status_code)

    async with anyio.create_task_group() as callers:
        for _ in range(20):
            callers.start_soon(one_after_the_other, 50)
    assert statuses == [200] * 1000

    async def all_ended() -> bool:
        return not await element.runs(status="pending") and not await element.runs(status="running")

    await until(all_ended, "a thousand runs have ended", within_s=60)
    assert await element.runs(status="failed") == []


async def test_wait_holds_the_answer_back_until_the_run_has_ended(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  sleep 0.5\n  7\nend\n")
    run_id = await element.start({})
    run = (await element.get(f"/ops/runs/{run_id}", params={"wait": "30"})).json()
    assert (run["status"], run["output"]) == ("completed", 7)


async def test_wait_gives_up_in_time_with_the_run_as_it_is(circle: Circle) -> None:
    element = await circle.ruby(HOLD)
    run_id = await element.start({})
    await element.printed(run_id, "started")
    run = (await element.get(f"/ops/runs/{run_id}", params={"wait": "0.2"})).json()
    assert run["status"] == "running"
    assert run["finished_at"] is None
    await element.cancel(run_id)


async def test_many_may_wait_for_the_same_run_also_at_the_circle_and_by_post(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  sleep 0.5\n  7\nend\n")
    path = f"/ops/runs/{await element.start({})}"
    told: list[httpx2.Response] = []

    async def wait(door: Callable[[], Awaitable[httpx2.Response]]) -> None:
        told.append(await door())

    async with anyio.create_task_group() as waiting:
        for _ in range(5):
            waiting.start_soon(wait, lambda: element.get(path, params={"wait": "30"}))
            waiting.start_soon(wait, lambda: circle.get(path, params={"wait": "30"}))
            waiting.start_soon(wait, lambda: element.post(path, {"wait": 30}))
    assert {answer.json()["status"] for answer in told} == {"completed"}
    assert len(told) == 15


async def test_waiting_for_a_run_that_is_not_there_is_no_waiting(circle: Circle) -> None:
    element = await circle.ruby()
    path = f"/ops/runs/{uuid4()}"
    refused(await element.get(path, params={"wait": "60"}, timeout=20), 404, "NOT_FOUND")


async def test_wait_is_at_most_60_seconds(circle: Circle) -> None:
    element = await circle.ruby()
    run_id = run_id_of(await element.invoke({}))
    refused(await element.get(f"/ops/runs/{run_id}", params={"wait": "61"}), 422, "INVALID_INPUT")


async def test_prefer_wait_answers_with_the_result_when_it_comes_in_time(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.invoke({"n": 1}, prefer="wait=20")
    assert (answer.status_code, answer.json()) == (200, {"n": 1})
    assert answer.headers["Preference-Applied"] == "wait=20"
    failing = await circle.ruby(FAIL)
    refused(await failing.invoke({}, prefer="wait=20"), 500, "RUBY_EXECUTION_FAILED")


async def test_prefer_wait_answers_202_when_the_result_is_late(circle: Circle) -> None:
    element = await circle.ruby(HOLD)
    answer = await element.invoke({}, prefer="wait=1")
    assert answer.status_code == 202
    assert answer.json()["status"] in ("pending", "running")
    await element.cancel(answer.json()["run_id"])


async def test_both_preferences_together_wait_and_then_answer_202(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.invoke({"n": 1}, prefer="respond-async, wait=20")
    assert (answer.status_code, answer.json()) == (200, {"n": 1})


async def test_preferences_nobody_knows_are_ignored(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.invoke({"n": 1}, prefer="handling=lenient, wait=soon, return=minimal")
    assert (answer.status_code, answer.json()) == (200, {"n": 1})
    assert "Preference-Applied" not in answer.headers


async def test_prefer_works_on_platform_operations(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.patch({"name": "Named"}, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    assert answer.json()["status"] == "completed"
    assert answer.json()["output"]["name"] == "Named"
    assert answer.headers["Location"] == f"{element.path}/ops/runs/{answer.json()['run_id']}"
    waited = await element.patch({"name": "Again"}, headers={"Prefer": "wait=5"})
    assert (waited.status_code, waited.json()["name"]) == (200, "Again")


async def test_prefer_works_on_deploy(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.post("/ops/deploy", {}, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    run = await element.ended(answer.json()["run_id"])
    assert (run["operation"], run["status"]) == ("deploy", "completed")
    assert (await element.get()).json()["state"] == "deployed"


async def test_an_asynchronous_run_uses_the_version_it_was_called_with_or_says_which(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  1\nend\n")
    run_id = await element.start({})
    await element.patch({"spec": {"source": {"code": "def handler(input)\n  2\nend\n"}}})
    run = await element.ended(run_id)
    assert run["output"] == run["element_version"]


async def test_answers_say_what_they_are(circle: Circle) -> None:
    element = await circle.ruby()
    for answer in (await element.invoke({}), await element.get(), await element.get("/ops/runs")):
        message = Message()
        message["Content-Type"] = answer.headers["Content-Type"]
        assert message.get_content_type() == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
