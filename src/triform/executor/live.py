"""Runs that are going on in this process."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec

from triform.runs.logs import LogBook
from triform.runs.mask import Mask
from triform.runs.model import Run

_MOST_WAITED_FOR = 10_000
"""Runs that end elsewhere are never signalled here; the oldest waits are woken to look for themselves."""


class LiveRun:
    """One run from its acceptance to its settlement; what a substrate sees of it (`RunContext`)."""

    def __init__(self, run: Run, book: LogBook, attempt: int, accepted: str | None = None) -> None:
        self.run = run
        self.accepted = accepted
        """The `traceparent` of the span that accepted it, where the caller did not wait."""
        self.run_id = run.run_id
        self.attempt = attempt
        self.book = book
        self.mask: Mask | None = None
        self._cancel = asyncio.Event()
        self.settled: asyncio.Future[Run] = asyncio.get_running_loop().create_future()

    def hide(self, mask: Mask | None) -> None:
        """From now on nothing the mask knows is kept of what the run says."""
        self.mask = mask
        self.book.hide(mask)

    def write(self, stream: str, data: bytes) -> None:
        self.book.write(stream, data)

    def progress(self, percent: float | None, message: str, data: Any) -> None:
        said = {"percent": percent, "message": message, "data": data}
        said = self.mask.value(said) if self.mask else said
        self.book.write("progress", msgspec.json.encode({k: v for k, v in said.items() if v is not None}) + b"\n")

    def cancel(self) -> None:
        self._cancel.set()

    @property
    def cancel_requested(self) -> bool:
        return self._cancel.is_set()

    async def cancelled(self) -> None:
        await self._cancel.wait()


class LiveRuns:
    """By id; a run is here before its row exists and until its end is committed."""

    def __init__(self) -> None:
        self._runs: dict[UUID, LiveRun] = {}
        self._ending: dict[UUID, asyncio.Future[None]] = {}

    def add(self, live: LiveRun) -> None:
        self._runs[live.run_id] = live

    def remove(self, live: LiveRun, final: Run | None) -> None:
        """An attempt this process has lost leaves alone a later one that it carries again."""
        if self._runs.get(live.run_id) is live:
            del self._runs[live.run_id]
        if final is not None and (signal := self._ending.pop(live.run_id, None)):
            signal.set_result(None)
        if not live.settled.done():
            if final is None:
                live.settled.cancel()
            else:
                live.settled.set_result(final)

    def get(self, run_id: UUID) -> LiveRun | None:
        return self._runs.get(run_id)

    def ending(self, run_id: UUID) -> asyncio.Future[None]:
        """Done once the run ends in this process; shared by all who wait for it."""
        if run_id not in self._ending:
            if len(self._ending) >= _MOST_WAITED_FOR:
                self._ending.pop(next(iter(self._ending))).set_result(None)
            self._ending[run_id] = asyncio.get_running_loop().create_future()
        return self._ending[run_id]

    def ids(self) -> frozenset[UUID]:
        return frozenset(self._runs)

    async def drained(self, timeout_s: float) -> bool:
        """Waits until no run is left; False when some still go on at the deadline."""
        waiting = [live.settled for live in self._runs.values()]
        if not waiting:
            return True
        _, rest = await asyncio.wait(waiting, timeout=timeout_s)
        return not rest
