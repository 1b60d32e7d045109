"""The background work of a node. Each loop is named, safe on every node, and `once` runs it by hand."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from triform.clock import Clock
from triform.executor.commits import QUERIES
from triform.executor.house import House
from triform.executor.partitions import ensure_partitions
from triform.observability.heartbeat import Heartbeat
from triform.storage.errors import DatabaseUnavailable

_log = structlog.get_logger()


class Loop:
    """`once` every `every_s` seconds; what fails is logged and tried again at the next turn."""

    def __init__(self, name: str, every_s: float, work: Callable[[], Awaitable[object]], clock: Clock) -> None:
        self.name = name
        self.every_s = every_s
        self.beat = Heartbeat(name, clock)
        self._work = work

    async def once(self) -> None:
        """One turn, now."""
        with self.beat.turn():
            await self._work()

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            await asyncio.sleep(self.every_s)
            try:
                await self.once()
            except DatabaseUnavailable as error:
                _log.warning("loop_waits_for_database", loop=self.name, error=error.message)
            except Exception:
                _log.exception("loop_failed", loop=self.name)


class Upkeep:
    """What the executor's own tables want now and then."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def reservations(self) -> None:
        """Slots that elements have reserved, as their specs now say."""
        rows = await self._house.database.fetch(QUERIES["reservations"])
        self._house.slots.reserve({row["id"]: row["reserved_slots"] for row in rows})

    async def housekeeping(self) -> None:
        """Next months' partitions, and idempotency keys past their time."""
        now = self._house.clock.now()
        await ensure_partitions(self._house.database, now)
        await self._house.database.execute(QUERIES["forget_keys"], now)
