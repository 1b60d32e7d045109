"""A run: the tracked execution of one operation. Values only."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Self
from uuid import UUID

import msgspec

from triform.circles.model import Actor
from triform.errors import Failure

Trigger = Literal["http", "async", "wired", "replay", "schedule", "mcp"]


class Status(StrEnum):
    pending = "pending"
    running = "running"
    completed = "completed"
    failed = "failed"
    cancelled = "cancelled"

    @property
    def final(self) -> bool:
        return self in (Status.completed, Status.failed, Status.cancelled)


class Usage(msgspec.Struct, frozen=True):
    """What one attempt used. Milliseconds with fractions; memory in MiB, of the run alone."""

    duration_ms: float = 0.0
    queue_ms: float = 0.0
    cold_start_ms: float = 0.0
    cpu_ms: float = 0.0
    memory_peak_mb: float = 0.0


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How one attempt ended, as a substrate reports it.

    Exactly one of: `output` (JSON bytes), `failure`, or `cancelled`. `handler_started` False on a failure
    with `failure.code == "PLATFORM_FAULT"` means that repeating the attempt cannot run user work twice.
    """

    output: bytes | None = None
    failure: Failure | None = None
    cancelled: bool = False
    usage: Usage = Usage()
    handler_started: bool = False
    isolation: str | None = None

    @property
    def status(self) -> Status:
        if self.cancelled:
            return Status.cancelled
        return Status.failed if self.failure else Status.completed


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try. `ended_at` None while it runs."""

    number: int
    started_at: datetime
    ended_at: datetime | None = None
    status: str = "running"
    code: str | None = None
    worker_id: UUID | None = None


class Debit(msgspec.Struct, frozen=True):
    """One priced line of a run, positive micro-AU."""

    dimension: str
    amount_micro_au: int


class LogSummary(msgspec.Struct, frozen=True):
    """How many lines there were, how many were dropped over the limit, whether all received are kept."""

    total: int = 0
    dropped: int = 0
    complete: bool = True


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The run record of the contract. `input` and `output` are JSON bytes, None where there is none.

    `sealed_input` is the exact input, encrypted, of a waiting run whose `input` had to be masked; `input_masked`
    stays, None where nobody noted it. `replay_of` is the run it repeats, `batch` what it was started with.
    """

    run_id: UUID
    circle_id: UUID
    circle: str
    element_id: UUID
    element: str
    element_version: int
    env: str
    operation: str
    execution: bool
    status: Status
    trigger: Trigger
    actor: Actor
    input: bytes | None
    input_size: int
    input_digest: bytes
    input_masked: bool | None = False
    sealed_input: bytes | None = None
    output: bytes | None = None
    failure: Failure | None = None
    attempts: tuple[Attempt, ...] = ()
    next_attempt_at: datetime | None = None
    logs: LogSummary = LogSummary()
    usage: Usage = Usage()
    isolation: str | None = None
    cost_micro_au: int = 0
    debits: tuple[Debit, ...] = ()
    trace_id: str = ""
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    idempotency_key: str | None = None
    replay_of: UUID | None = None
    batch: UUID | None = None
    facts: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        """Nothing of what users sent or got."""
        return f"Run({self.run_id}, {self.operation} of {self.circle}/{self.element}, {self.status})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """The same for tracebacks that show locals."""
        return [("run_id", self.run_id), ("operation", self.operation), ("status", self.status)]

    def evolve(self, **changes: Any) -> Self:
        return msgspec.structs.replace(self, **changes)
