"""Runs and their lines, read within one element or one circle."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import msgspec

from triform.runs.logs import Line, LogBook
from triform.runs.model import LogSummary, Run, Status
from triform.runs.reading_filters import RunFilter, condition
from triform.runs.rows import Row, run_from_row
from triform.runs.show import Heads
from triform.storage.database import Transaction
from triform.storage.queries import load

LISTED_BYTES = 4096
"""Inputs and outputs up to this size are shown in lists."""

REPLAYS_SHOWN = 50

TAIL_BYTES = 8 << 20
"""About how much text a tail may have."""

_RUNS_AT_ONCE = 50
"""Logs of so many runs are read at once; each has at most the log limit."""

_QUERIES = load(__file__, "reading.sql")
_LINES = msgspec.json.Decoder(tuple[Line, ...])


class Going(Protocol):
    """A run that is going on in this process."""

    @property
    def book(self) -> LogBook: ...


class GoingRuns(Protocol):
    """What runs are printing right now is not stored yet; this knows it."""

    def get(self, run_id: UUID, /) -> Going | None: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A run of a list, and how what was left out of it begins."""

    run: Run
    heads: Heads


@dataclass(frozen=True, slots=True)
class Tail:
    """The last lines of an element, oldest first, each with its run."""

    lines: tuple[tuple[UUID, Line], ...]
    complete: bool


class RunReader:
    def __init__(self, going: GoingRuns) -> None:
        self._going = going

    async def page(
        self, tx: Transaction, circle_id: UUID, element_id: UUID | None, wanted: RunFilter
    ) -> tuple[list[Listed], bool]:
        """Newest first, and whether there are more."""
        where, values = condition(circle_id, element_id, wanted, first=2)
        rows = await tx.fetch(f"{_QUERIES['list'].sql} {where}", LISTED_BYTES, *values)
        return [_listed(row) for row in rows[: wanted.limit]], len(rows) > wanted.limit

    async def find(
        self, tx: Transaction, circle_id: UUID, element_id: UUID | None, run_id: UUID
    ) -> tuple[Run, tuple[Line, ...]] | None:
        """The run with all its lines, None when it is not of this element (or circle)."""
        row = await tx.fetchrow(_QUERIES["find"], run_id, circle_id, element_id)
        if row is None:
            return None
        run = run_from_row(row)
        if run.status.final:
            return run, _stored(row)
        lines, logs = self._so_far(row)
        return run.evolve(logs=logs), lines

    async def replays_of(self, tx: Transaction, run: Run) -> list[UUID]:
        """Runs that repeat this one, newest first."""
        rows = await tx.fetch(_QUERIES["replays"], run.run_id, run.circle_id, REPLAYS_SHOWN)
        return [row["run_id"] for row in rows]

    async def tail(
        self, tx: Transaction, circle_id: UUID, element_id: UUID, since: UUID | None, limit: int
    ) -> Tail:
        """The last `limit` lines, of runs after `since` only; then older ones that were cut off are missing."""
        tail, before = _Gathering(limit), None
        while True:
            rows = await tx.fetch(_QUERIES["newest_logs"], circle_id, element_id, since, before, _RUNS_AT_ONCE)
            for row in rows:
                lines, logs = self._so_far(row)
                if not tail.take(row["run_id"], lines, logs):
                    return tail.finish(cut=since is not None)
            if len(rows) < _RUNS_AT_ONCE:
                return tail.finish(cut=False)
            before = rows[-1]["run_id"]

    def _so_far(self, row: Row) -> tuple[tuple[Line, ...], LogSummary]:
        """Lines of a run that goes on elsewhere are known there only."""
        if Status(row["status"]).final:
            return _stored(row), _summary(row)
        going = self._going.get(row["run_id"])
        if going is not None:
            book = going.book
            return tuple(book.lines), LogSummary(book.total, book.dropped, book.complete)
        summary = _summary(row)
        return _stored(row), msgspec.structs.replace(
            summary, complete=summary.complete and row["status"] == Status.pending
        )


def _listed(row: Row) -> Listed:
    return Listed(run_from_row(row), Heads(row["input_head"], row["output_head"], row["output_size"]))


def _stored(row: Row) -> tuple[Line, ...]:
    return _LINES.decode(row["lines"]) if row["lines"] else ()


def _summary(row: Row) -> LogSummary:
    return LogSummary(row["log_total"], row["log_dropped"], row["log_complete"])


class _Gathering:
    """Takes runs from the newest on until there are enough lines."""

    def __init__(self, limit: int) -> None:
        self._room = limit
        self._bytes = 0
        self._complete = True
        self._lines: deque[tuple[UUID, Line]] = deque()

    def take(self, run_id: UUID, lines: Sequence[Line], logs: LogSummary) -> bool:
        """False when there was no room for all of them."""
        self._complete = self._complete and logs.complete and not logs.dropped
        for line in reversed(lines):
            self._bytes += len(line.text)
            if self._room == 0 or self._bytes > TAIL_BYTES:
                return False
            self._room -= 1
            self._lines.appendleft((run_id, line))
        return True

    def finish(self, cut: bool) -> Tail:
        return Tail(tuple(self._lines), self._complete and not cut)
