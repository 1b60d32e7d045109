"""A run as callers see it: the one place that knows the run JSON of the contract."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from triform.clock import rfc3339
from triform.runs.failures import failure_json
from triform.runs.logs import Line
from triform.runs.model import Attempt, LogSummary, Run, Usage

LINES_SHOWN = 200
"""How many of a run's last lines come with it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Heads:
    """How inputs and outputs that are too large for a list begin, and how large the output is."""

    input: bytes | None = None
    output: bytes | None = None
    output_size: int | None = None


def run_json(run: Run, lines: Sequence[Line] | None = None, heads: Heads | None = None) -> dict[str, Any]:
    """The run; input and output go in byte for byte as they were. `lines` None = without log lines.

    What is left out is said: `input_omitted` / `output_omitted` {bytes, preview?, sha256?}.
    """
    return {
        "run_id": str(run.run_id),
        "circle": run.circle,
        "element": run.element,
        "element_id": str(run.element_id),
        "element_version": run.element_version,
        "env": run.env,
        "operation": run.operation,
        "status": run.status,
        "trigger": run.trigger,
        "replay_of": _id(run.replay_of),
        "batch": _id(run.batch),
        "actor": {"kind": run.actor.kind, "id": run.actor.id},
        "input": _raw(run.input),
        "output": _raw(run.output),
        "error": failure_json(run.failure) if run.failure else None,
        "attempts": [_attempt_json(each) for each in run.attempts],
        "next_attempt_at": _time(run.next_attempt_at),
        "logs": _logs_json(run.logs, lines),
        "usage": usage_json(run.usage),
        "isolation": run.isolation,
        "cost_micro_au": run.cost_micro_au,
        "debits": [{"dimension": d.dimension, "amount_micro_au": d.amount_micro_au} for d in run.debits],
        "trace_id": run.trace_id,
        "created_at": rfc3339(run.created_at),
        "started_at": _time(run.started_at),
        "finished_at": _time(run.finished_at),
        "duration_ms": _ms(run.usage.duration_ms) if run.status.final else None,
        **_omitted(run, heads or Heads()),
    }


def line_json(line: Line) -> dict[str, Any]:
    """{seq, at, stream, text}."""
    at = rfc3339(_EPOCH + timedelta(microseconds=line.at_us))
    return {"seq": line.seq, "at": at, "stream": line.stream, "text": line.text}


def _omitted(run: Run, heads: Heads) -> dict[str, Any]:
    left_out: dict[str, Any] = {}
    if run.input is None and run.input_size:
        size = {"bytes": run.input_size, "sha256": run.input_digest.hex()}
        left_out["input_omitted"] = size | _preview(heads.input)
    if run.output is None and heads.output_size:
        left_out["output_omitted"] = {"bytes": heads.output_size} | _preview(heads.output)
    return left_out


def _preview(head: bytes | None) -> dict[str, str]:
    """The head may end within a character."""
    return {"preview": head.decode("utf-8", "ignore")} if head else {}


def _id(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _raw(value: bytes | None) -> msgspec.Raw | None:
    return None if value is None else msgspec.Raw(value)


def _attempt_json(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "status": attempt.status,
        "code": attempt.code,
        "started_at": rfc3339(attempt.started_at),
        "ended_at": _time(attempt.ended_at),
    }


def _logs_json(logs: LogSummary, lines: Sequence[Line] | None) -> dict[str, Any]:
    shown: dict[str, Any] = {"total": logs.total, "dropped": logs.dropped, "complete": logs.complete}
    if lines is not None:
        shown["lines"] = [line_json(each) for each in lines[-LINES_SHOWN:]]
    return shown


def usage_json(usage: Usage) -> dict[str, float]:
    """Milliseconds and MiB, by the names of the contract."""
    return {
        "duration_ms": _ms(usage.duration_ms),
        "queue_ms": _ms(usage.queue_ms),
        "cold_start_ms": _ms(usage.cold_start_ms),
        "cpu_ms": _ms(usage.cpu_ms),
        "memory_peak_mb": _ms(usage.memory_peak_mb),
    }


def _ms(value: float) -> float:
    return round(value, 3)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
