"""One node's executor: its path for calls, its queue and its background work."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import structlog

from triform.executor.execute import Executor
from triform.executor.house import House
from triform.executor.lease import Lease
from triform.executor.loops import Loop, Upkeep
from triform.executor.queue import Queue
from triform.executor.recover import Recovery
from triform.observability.heartbeat import Heartbeat
from triform.runs.spool import TICK_S

_log = structlog.get_logger()


class Node:
    """`executor` may be called while the block of `working` lasts; `draining` set refuses new work."""

    def __init__(self, house: House, node_id: UUID, more_loops: Sequence[Loop] = ()) -> None:
        self.house = house
        self.executor = Executor(house)
        self.queue = Queue(house)
        self.recovery = Recovery(house, node_id)
        self.draining = asyncio.Event()
        self._lease = Lease(house, node_id)
        upkeep, clock = Upkeep(house), house.clock
        self._reservations = Loop("reservations", 2.0, upkeep.reservations, clock)
        self._housekeeping = Loop("housekeeping", 3600.0, upkeep.housekeeping, clock)
        self.loops = (
            Loop("lease", house.bounds.lease_s / 3, self._lease.renew, clock),
            Loop("recovery", 5.0, self.recovery.once, clock),
            self._reservations,
            self._housekeeping,
            Loop("log_spool", TICK_S, house.spool.once, clock),
            *more_loops,
        )

    @property
    def heartbeats(self) -> tuple[Heartbeat, ...]:
        """Of everything that goes on in the background."""
        return self.queue.beat, *(loop.beat for loop in self.loops)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Background work around the block; at its end nothing is left running and no run unsettled."""
        await self._housekeeping.once()
        await self._lease.join()
        await self.recovery.lost_workers()
        await self._reservations.once()
        background = [self.queue.loop(), *(loop.run() for loop in self.loops)]
        tasks = [asyncio.create_task(each) for each in background]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._settle()

    async def drain(self, patience_s: float) -> None:
        """No new work; what runs may finish within `patience_s`."""
        self.draining.set()
        if not await self.house.live.drained(patience_s):
            _log.warning("drain_incomplete", runs=len(self.house.live.ids()))

    async def _settle(self) -> None:
        """What still runs is ended; its runs are settled as a crash's would be, without the wait."""
        await self.house.tasks.stop()
        self.house.spool.flush()
        await self.house.commits.drain()
        await self.recovery.hand_over()
        await self._lease.leave()
