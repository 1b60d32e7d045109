"""A run: its record, its headers, and finding it again."""

from email.message import Message
from uuid import UUID

import httpx2
import pytest

from tests.acceptance.client import (
    ECHO,
    FAIL,
    PRICE,
    Circle,
    lines_of,
    refused,
    run_id_of,
    timing_of,
)

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


async def test_a_client_that_goes_away_cancels_nothing(circle: Circle) -> None:
    element = await circle.ruby(
        "def handler(input)\n  $stdout.sync = true\n  puts 'started'\n  sleep 1\n  puts 'done'\n  42\nend\n"
    )
    await element.invoke({})
    with pytest.raises(httpx2.TimeoutException):
        await element.invoke({}, timeout=0.3)
    run = await element.ended((await element.runs())[0]["run_id"])
    assert (run["status"], run["output"], lines_of(run)) == ("completed", 42, ["started", "done"])


async def test_answers_say_what_they_are(circle: Circle) -> None:
    element = await circle.ruby()
    for answer in (await element.invoke({}), await element.get(), await element.get("/ops/runs")):
        message = Message()
        message["Content-Type"] = answer.headers["Content-Type"]
        assert message.get_content_type() == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
