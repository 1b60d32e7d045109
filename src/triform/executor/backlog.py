"""How many asynchronous runs of a circle wait, and the bell that wakes the queue."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from triform.clock import Clock
from triform.executor.commits import QUERIES
from triform.executor.errors import BacklogFull
from triform.storage.database import Database

_FRESH_S = 5.0


class Backlog:
    """Counted in Postgres, carried on here, and counted anew every few seconds (other nodes take runs too)."""

    def __init__(self, database: Database, clock: Clock, limit: int) -> None:
        self._database = database
        self._clock = clock
        self._limit = limit
        self._counts: dict[UUID, tuple[int, float]] = {}
        self._admitting: Counter[UUID] = Counter()
        self._counting = asyncio.Lock()
        self._bell = asyncio.Event()
        self.starved = False
        """Something waits that could not be started for want of a slot."""

    @asynccontextmanager
    async def room(self, circle_id: UUID) -> AsyncIterator[None]:
        """A place for a run that is being admitted; it is given back when that fails. Raises BacklogFull."""
        await self.ensure_room(circle_id, 1)
        self._admitting[circle_id] += 1
        try:
            yield
            self._change(circle_id, 1)
        finally:
            self._admitting[circle_id] -= 1

    async def ensure_room(self, circle_id: UUID, runs: int) -> None:
        """Raises BacklogFull where so many more do not fit."""
        waiting = await self._count(circle_id) + self._admitting[circle_id]
        if waiting + runs > self._limit:
            raise BacklogFull(facts={"waiting": waiting, "limit": self._limit})

    async def _count(self, circle_id: UUID) -> int:
        async with self._counting:
            known = self._counts.get(circle_id)
            now = self._clock.monotonic()
            if known is None or now - known[1] > _FRESH_S:
                stored: int = await self._database.fetchval(QUERIES["backlog"], circle_id)
                self._counts[circle_id] = known = (stored, now)
            return known[0]

    def came(self, circle_id: UUID, runs: int) -> None:
        """So many runs wait that did not ask for a place one by one."""
        self._change(circle_id, runs)
        self.wake()

    def left(self, circle_id: UUID) -> None:
        """A run stopped waiting."""
        self._change(circle_id, -1)

    def wake(self) -> None:
        self._bell.set()

    def slot_freed(self) -> None:
        """Only a starved queue has a use for a free slot; looking costs a query."""
        if self.starved:
            self._bell.set()

    async def woken(self, timeout_s: float) -> None:
        """Returns at the bell or after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):  # wait_for can lose a cancellation that meets the bell
                await self._bell.wait()
        except TimeoutError:
            return
        finally:
            self._bell.clear()

    def _change(self, circle_id: UUID, by: int) -> None:
        if circle_id in self._counts:
            count, at = self._counts[circle_id]
            self._counts[circle_id] = (max(0, count + by), at)
