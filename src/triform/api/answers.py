"""From an outcome to an HTTP answer: the bare value, and the facts of its run in headers."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from triform.api.headers import applied
from triform.api.problems import Problems
from triform.executor.passage import Outcome
from triform.runs.call import Call
from triform.runs.model import Run, Status
from triform.runs.show import run_json

JSON = "application/json"
_ACCEPTED = 202
_RETRY_AFTER_S = "1"


class Answers:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def answer(self, call: Call, outcome: Outcome, instance: str, traceparent: str) -> Response:
        headers = {"traceparent": traceparent}
        if outcome.run is not None:
            headers |= _facts(outcome.run)
        if outcome.replayed:
            headers["Idempotent-Replayed"] = "true"
        if call.prefer.wanted and outcome.run is not None:
            headers["Preference-Applied"] = applied(call.prefer)
            if outcome.accepted or call.prefer.wait_s is None:
                return _accepted(outcome.run, headers)
        if outcome.reply is not None:
            return _value(_body(outcome.reply.value), call, {**headers, **outcome.reply.headers})
        return self._of_run(call, outcome.run, headers, instance)

    def _of_run(self, call: Call, run: Run | None, headers: dict[str, str], instance: str) -> Response:
        if run is None:
            return _value(b"null", call, headers)
        if call.operation.replays:
            return _value(msgspec.json.encode(run_json(run)), call, headers)
        if run.failure is not None:
            return self._problems.of_failure(run.failure, instance, run.trace_id, str(run.run_id), headers)
        if not run.execution:
            headers |= _of_replayed(run, call)
        return _value(run.output or b"null", call, headers)


def _accepted(run: Run, headers: Mapping[str, str]) -> Response:
    pending = {} if run.status.final else {"Retry-After": _RETRY_AFTER_S}
    body = msgspec.json.encode(run_json(run))
    return Response(body, _ACCEPTED, headers={**headers, **pending}, media_type=JSON)


def _body(value: Any) -> bytes:
    return value if isinstance(value, bytes) else msgspec.json.encode(value)


def _value(body: bytes, call: Call, headers: Mapping[str, str]) -> Response:
    operation = call.operation
    return Response(body, operation.success, headers=dict(headers), media_type=operation.media_type)


def _facts(run: Run) -> dict[str, str]:
    return {
        "Triform-Run-Id": str(run.run_id),
        "Triform-Cost-Micro-Au": str(run.cost_micro_au),
        "Triform-Version": str(run.element_version),
        "Triform-Env": run.env,
        "Server-Timing": _timing(run),
        "Location": run_location(run),
    }


def run_location(run: Run) -> str:
    """Where the run is: path-absolute. A run of the circle itself has no slug in its address."""
    owner = run.circle if run.element_id == run.circle_id else f"{run.circle}/{run.element}"
    return f"/api/{owner}/ops/runs/{run.run_id}"


def _timing(run: Run) -> str:
    usage = run.usage
    total = (run.finished_at - run.created_at).total_seconds() * 1000 if run.finished_at else 0.0
    said = {"queue": usage.queue_ms, "cold": usage.cold_start_ms, "exec": usage.duration_ms, "total": total}
    return ", ".join(f"{name};dur={value:.3f}" for name, value in said.items())


def _of_replayed(run: Run, call: Call) -> dict[str, str]:
    """A replayed platform operation answers with the ETag and Location its first answer had."""
    told: Any = msgspec.json.decode(run.output or b"null")
    if not isinstance(told, dict) or run.status is not Status.completed:
        return {}
    headers = {"ETag": f'"{told["version"]}"'} if isinstance(told.get("version"), int) else {}
    if call.operation.success == 201 and "path" in told:
        headers["Location"] = told["path"]
    return headers
