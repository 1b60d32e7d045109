"""The grouped commits of a run: accepted, started, ended. Many runs share one statement and one fsync."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from triform.ids import Ids
from triform.runs.failures import encode_failure
from triform.runs.logs import Kept, Line
from triform.runs.model import Run
from triform.runs.rows import encode_attempts, encode_debits
from triform.storage.database import Database, Lane, Transaction
from triform.storage.group_commit import GroupCommit
from triform.storage.queries import load

QUERIES = load(__file__)


class Verdict(StrEnum):
    admitted = "admitted"
    stale = "stale"
    duplicate = "duplicate"
    unaffordable = "unaffordable"


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """A run that asks to be admitted, with what it was decided upon."""

    run: Run
    attempt: int
    worker_id: UUID | None
    element_state: str
    live_version: int | None
    graph_revision: int
    credential_id: UUID | None
    credential_revision: int
    hold_micro_au: int
    key_digest: bytes | None
    key_ttl: timedelta
    key_operation: str
    """The operation whose key it is."""
    pinned: int | None = None
    """The version that runs, wherever its environment stands."""
    due: datetime | None = None
    """Not to be started before."""
    traceparent: str | None = None
    """The span that accepts a run for later, so that its execution can refer to it."""


class Admission(msgspec.Struct, frozen=True):
    """`free_micro_au` is what the wallet had free; None when the call was stale."""

    verdict: Verdict
    free_micro_au: int | None


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """A waiting run begins its next attempt."""

    run: Run
    expected: int
    attempt: int
    worker_id: UUID
    at: datetime


class End(msgspec.Struct, frozen=True, kw_only=True):
    """A run's final state, valid only if the row still is `expected` in `attempt`."""

    run: Run
    expected: str
    attempt: int
    lines: tuple[Line, ...]
    release_key: bool


Step = TypeVar("Step", Start, End)


class Commits:
    """`accept` and `end` are the two commits of a run; `start` is the third of one that had to wait."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._ids = ids
        self._lane = database.lane()  # both lock the wallet: two lanes would wait for one another there
        self._start_lane = database.lane()
        self._accept = GroupCommit(self._flush_accept, key=_circle, name="accept")
        self._start = GroupCommit(self._flush_start, key=_circle, name="start")
        self._end = GroupCommit(self._flush_end, key=_circle, name="end")

    @property
    def groups(self) -> tuple[GroupCommit[Any, Any], ...]:
        return self._accept, self._start, self._end

    async def accept(self, item: Acceptance) -> Admission:
        """A refusal for money is asked again alone, since a batch admits by running sum."""
        admission = await self._accept.submit(item)
        if admission.verdict is Verdict.unaffordable:
            return (await self._flush_accept([item]))[0]
        return admission

    async def start(self, item: Start) -> bool:
        """False when the run is not waiting in that attempt any more."""
        return await self._start.submit(item)

    async def end(self, item: End) -> bool:
        """False when the run had already ended or been taken over."""
        return await self._end.submit(item)

    async def reschedule(self, run: Run, attempt: int, due: datetime, kept: Kept) -> bool:
        """The run waits for its next attempt; its hold and its lines stay."""
        logs = kept.summary
        waiting = await self._start_lane.fetchval(
            QUERIES["reschedule"], run.run_id, attempt, due, encode_attempts(run.attempts), logs.total,
            logs.dropped, logs.complete, encode_lines(kept.lines), run.usage.duration_ms,
        )  # fmt: skip
        return waiting is not None

    async def drain(self) -> None:
        for group in self.groups:
            await group.drain()

    async def accept_in(self, connection: Lane | Transaction, items: Sequence[Acceptance]) -> Sequence[Admission]:
        """In a transaction whose end decides about all of them."""
        asked = [self._accept_row(item) for item in items]
        rows = await connection.fetch(QUERIES["accept"], asked, items[0].run.created_at)
        found = {row["run_id"]: Admission(Verdict(row["verdict"]), row["free"]) for row in rows}
        return [found[item.run.run_id] for item in items]

    async def _flush_accept(self, items: Sequence[Acceptance]) -> Sequence[Admission]:
        return await self.accept_in(self._lane, items)

    async def _flush_start(self, items: Sequence[Start]) -> Sequence[bool]:
        first = _leading(items)
        asked = [self._start_row(items[place]) for place in first]
        taken = {row["run_id"] for row in await self._start_lane.fetch(QUERIES["start"], asked)}
        return [first.get(place) in taken for place in range(len(items))]

    async def _flush_end(self, items: Sequence[End]) -> Sequence[bool]:
        first = _leading(items)
        asked = [self._end_row(items[place]) for place in first]
        charges = [row for place in first for row in self._charges(items[place].run)]
        rows = await self._lane.fetch(QUERIES["end"], asked, charges)
        ended = {row["run_id"] for row in rows}
        return [first.get(place) in ended for place in range(len(items))]

    def _accept_row(self, item: Acceptance) -> tuple[Any, ...]:
        """As the type `run_to_accept` has it; the others likewise."""
        run = item.run
        expires = run.created_at + item.key_ttl if run.idempotency_key else None
        return (
            run.run_id, run.circle_id, run.circle, run.element_id, run.element, run.element_version,
            item.element_state, item.credential_id, item.credential_revision, run.env, run.operation, run.status,
            run.trigger, run.actor.kind, run.actor.id, run.input, run.input_size, run.input_digest,
            encode_attempts(run.attempts), item.attempt, item.worker_id, run.trace_id, run.idempotency_key,
            item.key_digest, expires, run.created_at, run.started_at, item.hold_micro_au, self._ids.new(),
            item.traceparent, run.sealed_input, item.live_version, item.graph_revision, run.replay_of, run.batch,
            run.input_masked, item.pinned, item.due, item.key_operation,
        )  # fmt: skip

    def _start_row(self, item: Start) -> tuple[Any, ...]:
        attempts = encode_attempts(item.run.attempts)
        return item.run.run_id, item.expected, item.attempt, item.worker_id, attempts, item.at, self._ids.new()

    def _end_row(self, item: End) -> tuple[Any, ...]:
        run, usage = item.run, item.run.usage
        return (
            run.run_id, run.circle_id, item.expected, item.attempt, run.status, run.output,
            encode_failure(run.failure), run.failure.code if run.failure else None, encode_attempts(run.attempts),
            run.logs.total, run.logs.dropped, run.logs.complete, usage.duration_ms, usage.queue_ms,
            usage.cold_start_ms, usage.cpu_ms, usage.memory_peak_mb, run.isolation, run.cost_micro_au,
            encode_debits(run.debits), run.finished_at, encode_lines(item.lines), self._ids.new(),
            item.release_key,
        )  # fmt: skip

    def _charges(self, run: Run) -> list[tuple[Any, ...]]:
        return [(self._ids.new(), run.run_id, debit.dimension, debit.amount_micro_au) for debit in run.debits]


def encode_lines(lines: tuple[Line, ...]) -> bytes | None:
    """JSON [[seq, stream, unix µs, text]]; a silent run stores nothing."""
    return msgspec.json.encode(lines) if lines else None


def _circle(item: Acceptance | Start | End) -> tuple[UUID, UUID]:
    return item.run.circle_id, item.run.run_id


def _leading(items: Sequence[Step]) -> dict[int, UUID]:
    """One place for each run: two who want something of one run may meet in a batch, and a single statement cannot
    tell them apart. Of attempts only the last can still be the run's; of equal ones the first is taken."""
    places: dict[UUID, int] = {}
    for place, item in enumerate(items):
        known = places.get(item.run.run_id)
        if known is None or items[known].attempt < item.attempt:
            places[item.run.run_id] = place
    return {place: run_id for run_id, place in places.items()}
