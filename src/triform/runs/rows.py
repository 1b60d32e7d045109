"""Between the columns of table `runs` and the value `Run`."""

from typing import Any, Protocol

import msgspec

from triform.circles.model import Actor
from triform.runs.failures import decode_failure
from triform.runs.model import Attempt, Debit, LogSummary, Run, Status, Usage


class Row(Protocol):
    """A database record, read by column name."""

    def __getitem__(self, column: str, /) -> Any: ...


def run_from_row(row: Row) -> Run:
    """The run a row of `runs` (all its columns) stands for."""
    return Run(
        run_id=row["run_id"],
        circle_id=row["circle_id"],
        circle=row["circle"],
        element_id=row["element_id"],
        element=row["element"],
        element_version=row["element_version"],
        env=row["env"],
        operation=row["operation"],
        execution=row["execution"],
        status=Status(row["status"]),
        trigger=row["trigger"],
        actor=Actor(row["actor_kind"], row["actor_id"]),
        input=row["input"],
        input_size=row["input_size"],
        input_digest=row["input_digest"],
        input_masked=row["input_masked"],
        output=row["output"],
        failure=decode_failure(row["error"]),
        attempts=decode_attempts(row["attempts"]),
        next_attempt_at=row["next_attempt_at"],
        logs=LogSummary(row["log_total"], row["log_dropped"], row["log_complete"]),
        usage=_usage(row),
        isolation=row["isolation"],
        cost_micro_au=row["cost_micro_au"],
        debits=decode_debits(row["debits"]),
        trace_id=row["trace_id"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        idempotency_key=row["idempotency_key"],
        replay_of=row["replay_of"],
        batch=row["batch"],
    )


def encode_attempts(attempts: tuple[Attempt, ...]) -> bytes:
    """UTF-8 JSON [{number, started_at, ended_at, status, code, worker_id}]."""
    return msgspec.json.encode(attempts)


def decode_attempts(stored: bytes) -> tuple[Attempt, ...]:
    return _ATTEMPTS.decode(stored)


def encode_debits(debits: tuple[Debit, ...]) -> bytes | None:
    """UTF-8 JSON [{dimension, amount_micro_au}]; nothing to pay is None."""
    return msgspec.json.encode(debits) if debits else None


def decode_debits(stored: bytes | None) -> tuple[Debit, ...]:
    return _DEBITS.decode(stored) if stored else ()


def _usage(row: Row) -> Usage:
    return Usage(
        duration_ms=row["duration_ms"],
        queue_ms=row["queue_ms"],
        cold_start_ms=row["cold_start_ms"],
        cpu_ms=row["cpu_ms"],
        memory_peak_mb=row["memory_peak_mb"],
    )


_ATTEMPTS = msgspec.json.Decoder(tuple[Attempt, ...])
_DEBITS = msgspec.json.Decoder(tuple[Debit, ...])
