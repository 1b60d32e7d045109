"""What a collector is told about operations and runs."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.integration.executor.world import World, world
from triform.storage.database import Database

from .collector import Collector, attributes

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
ASYNC = {"Prefer": "respond-async"}


def told(acme: World, collector: Collector) -> list[Span]:
    """Every `ops.execute` about the adder, oldest first, once all has been exported."""
    acme.node.house.tracing.shutdown()
    spans = [span for span in collector.named("ops.execute") if attributes(span).get("triform.element") == "sum"]
    return sorted(spans, key=lambda span: span.start_time_unix_nano)


async def invoked(acme: World, body: dict[str, Any], **headers: str) -> httpx2.Response:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        answer = await client.post(f"{ops}/invoke", json=body, headers=headers)
        if answer.status_code == 202:
            await client.get(answer.headers["location"], params={"wait": 30})
        return answer


async def test_an_invoke_is_one_span_with_its_stages(collector: Collector, acme: World) -> None:
    answer = await invoked(acme, {"a": 1})
    (span,) = told(acme, collector)
    run_id = answer.headers["triform-run-id"]
    expected = {
        "triform.circle": "acme",
        "triform.element": "sum",
        "triform.operation": "invoke",
        "triform.run_id": run_id,
        "triform.status": "completed",
        "faas.trigger": "http",
        "faas.invocation_id": run_id,
        "faas.name": "acme/sum",
        "faas.version": "1",
    }
    assert expected.items() <= attributes(span).items()
    assert span.kind == Span.SPAN_KIND_SERVER
    stages = collector.children(span)
    assert set(stages) == {"commit.accept", "queue", "handler", "commit.end"}
    for stage in stages.values():
        assert stage.trace_id == span.trace_id
        assert stage.start_time_unix_nano <= stage.end_time_unix_nano
    handler = stages["handler"]
    assert handler.end_time_unix_nano - handler.start_time_unix_nano == 2_000_000
    assert stages["commit.end"].end_time_unix_nano <= span.end_time_unix_nano
    assert stages["commit.accept"].end_time_unix_nano <= stages["commit.end"].start_time_unix_nano


async def test_the_callers_trace_goes_on_in_the_run_the_span_and_the_answer(
    collector: Collector, acme: World
) -> None:
    answer = await invoked(acme, {}, traceparent=f"00-{TRACE}-{PARENT}-01")
    (span,) = told(acme, collector)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert answer.headers["traceparent"] == f"00-{TRACE}-{span.span_id.hex()}-01"


async def test_a_caller_who_does_not_sample_is_not_recorded(collector: Collector, acme: World) -> None:
    answer = await invoked(acme, {}, traceparent=f"00-{TRACE}-{PARENT}-00")
    assert told(acme, collector) == []
    assert answer.headers["traceparent"].startswith(f"00-{TRACE}-")
    assert answer.headers["traceparent"].endswith("-00")


async def test_an_asynchronous_run_has_a_span_of_its_own_linked_to_the_accepting_one(
    collector: Collector, acme: World
) -> None:
    answer = await invoked(acme, {"a": 1}, **ASYNC, traceparent=f"00-{TRACE}-{PARENT}-01")
    accepted, executed = [span for span in told(acme, collector) if _operation(span) == "invoke"]
    run_id = answer.headers["triform-run-id"]
    assert [attributes(span)["triform.run_id"] for span in (accepted, executed)] == [run_id, run_id]
    assert [attributes(span)["triform.status"] for span in (accepted, executed)] == ["pending", "completed"]
    assert answer.json()["trace_id"] == TRACE == accepted.trace_id.hex() == executed.trace_id.hex()
    (link,) = executed.links
    assert (link.trace_id, link.span_id) == (accepted.trace_id, accepted.span_id)
    assert executed.kind == Span.SPAN_KIND_CONSUMER
    assert set(collector.children(executed)) == {"queue", "handler", "commit.end"}
    assert "commit.accept" in collector.children(accepted)


async def test_each_attempt_is_an_execution(collector: Collector, acme: World) -> None:
    await invoked(acme, {"fail": "TOY_FLAKY", "retryable": True, "times": 1}, **ASYNC)
    executions = [span for span in told(acme, collector) if span.kind == Span.SPAN_KIND_CONSUMER]
    assert [attributes(span)["triform.status"] for span in executions] == ["pending", "completed"]
    assert attributes(executions[0])["error.type"] == "TOY_FLAKY"
    handlers = [collector.children(span)["handler"] for span in executions]
    assert [attributes(handler)["triform.attempt"] for handler in handlers] == [1, 2]
    assert [handler.status.code for handler in handlers] == [Status.STATUS_CODE_ERROR, Status.STATUS_CODE_UNSET]


async def test_a_failed_run_tells_its_code(collector: Collector, acme: World) -> None:
    await invoked(acme, {"fail": "TOY_BROKE"})
    (span,) = told(acme, collector)
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert attributes(span)["error.type"] == "TOY_BROKE"
    assert attributes(collector.children(span)["handler"])["error.type"] == "TOY_BROKE"


async def test_a_refusal_is_a_span_and_its_answer_names_it(collector: Collector, acme: World) -> None:
    async with await acme.signed_in() as client:
        answer = await client.post("/api/acme/nobody/ops/invoke", json={})
    acme.node.house.tracing.shutdown()
    (span,) = [span for span in collector.named("ops.execute") if "error.type" in attributes(span)]
    assert attributes(span) == {"error.type": "NOT_FOUND"}
    assert answer.headers["traceparent"] == f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"
    assert answer.json()["trace_id"] == span.trace_id.hex()


async def test_platform_operations_are_spans_and_reading_leaves_no_run(collector: Collector, acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        disabled = await client.post(f"{ops}/disable")
        await client.get(f"{ops}/get")
    disable, get = [attributes(span) for span in told(acme, collector)]
    assert (disable["triform.operation"], disable["triform.run_id"]) == (
        "disable",
        disabled.headers["triform-run-id"],
    )
    assert get["triform.operation"] == "get"
    assert "triform.run_id" not in get


async def test_nothing_a_user_sends_or_says_is_in_a_span(collector: Collector, acme: World) -> None:
    words = {"a": 31337_31337, "print": "quicksilver said\n", "note": "hydrargyrum"}
    await invoked(acme, words, **{"Idempotency-Key": "amalgam-7"})
    async with await acme.signed_in() as client:
        await client.post("/api/acme/sum/ops/invoke?raw=cinnabar", json={})
        await client.post("/api/acme/sum/ops/invoke", json={"fail": "TOY_BROKE", "x": "calomel"})
    told(acme, collector)
    everything = b"".join(collector.bodies)
    for word in (
        b"quicksilver",
        b"hydrargyrum",
        b"amalgam",
        b"cinnabar",
        b"calomel",
        b"31337",
        b"as asked",
        b"eyJ",
    ):
        assert word not in everything


async def test_the_resource_is_what_the_environment_says(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, database: Database, tmp_path: Path
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "smelter")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
    async with world(database, tmp_path) as acme:
        await invoked(acme, {})
        acme.node.house.tracing.shutdown()
    expected = {"service.name": "smelter", "deployment.environment": "test"}
    assert expected.items() <= collector.resources[0].items()


def _operation(span: Span) -> str:
    return str(attributes(span).get("triform.operation"))
