"""What the spans of an operation say: who, what, which run, how long. Never what users sent or said."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from triform.observability.spans import Attributes, OperationSpan
from triform.observability.tracing import Tracing
from triform.runs.call import Call
from triform.runs.model import Ended, Run, Trigger

_FAAS_TRIGGERS: Mapping[Trigger, str] = {"http": "http", "mcp": "http", "async": "pubsub", "schedule": "timer"}


def of_call(call: Call) -> Attributes:
    """What is known before anything has run."""
    return {
        "triform.circle": call.element.circle_name,
        "triform.element": call.element.slug,
        "triform.operation": call.operation.name,
        "faas.name": call.element.path,
        "faas.trigger": _FAAS_TRIGGERS.get(call.trigger, "other"),
        "faas.version": str(call.element.version),
    }


def tell_run(span: OperationSpan, run: Run) -> None:
    """The span gets its run: the id, how it stands and, if it or its last attempt failed, the code."""
    span.set(
        {"triform.run_id": str(run.run_id), "triform.status": run.status, "faas.invocation_id": str(run.run_id)}
    )
    code = run.failure.code if run.failure else run.attempts[-1].code if run.attempts else None
    if code is not None:
        span.failed(code)


def of_ended(run: Run) -> Attributes:
    """What only the end of user work tells."""
    return {
        "triform.attempts": len(run.attempts),
        "triform.duration_ms": run.usage.duration_ms,
        "triform.cold_start_ms": run.usage.cold_start_ms,
        "triform.cost_micro_au": run.cost_micro_au,
        "faas.coldstart": run.usage.cold_start_ms > 0,
    }


def queued(tracing: Tracing, run: Run, now: datetime) -> None:
    """The wait that has just ended: since the call came, or since the attempt before."""
    if tracing.recording:
        ended = [attempt.ended_at for attempt in run.attempts if attempt.ended_at is not None]
        tracing.record("queue", max([run.created_at, *ended]), now)


def attempted(tracing: Tracing, began: datetime, number: int, ended: Ended) -> None:
    """Cold start and handler one after the other, as long as the substrate measured them."""
    if not tracing.recording:
        return
    usage = ended.usage
    prepared = began + timedelta(milliseconds=usage.cold_start_ms)
    if usage.cold_start_ms:
        tracing.record("cold_start", began, prepared, {"triform.attempt": number})
    if ended.handler_started:
        code = ended.failure.code if ended.failure else "RUN_CANCELLED" if ended.cancelled else ""
        finished = prepared + timedelta(milliseconds=usage.duration_ms)
        tracing.record("handler", prepared, finished, _of_handler(number, ended), code)


def _of_handler(number: int, ended: Ended) -> Attributes:
    usage = ended.usage
    return {
        "triform.attempt": number,
        "triform.isolation": ended.isolation or "",
        "triform.cpu_ms": usage.cpu_ms,
        "triform.memory_peak_mb": usage.memory_peak_mb,
    }
