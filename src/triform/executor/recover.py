"""What a lost worker left: its synchronous runs end as interrupted, its asynchronous ones are tried again."""

from datetime import timedelta
from uuid import UUID

import structlog

from triform.errors import PlatformFault, TriformError
from triform.executor.commits import QUERIES
from triform.executor.ending import Ending
from triform.executor.errors import RunInterrupted
from triform.executor.house import House
from triform.executor.live import LiveRun
from triform.executor.retry import next_delay_ms
from triform.executor.stored import call_of, live_run
from triform.runs.model import Ended, Run, Status
from triform.storage.database import Row
from triform.storage.errors import DatabaseUnavailable

_log = structlog.get_logger()
_GRACE = timedelta(seconds=10)


class Recovery:
    """Safe on every node at any time: an end is written only where the row still stands."""

    def __init__(self, house: House, node: UUID) -> None:
        self._house = house
        self._node = node
        self._ending = Ending(house)

    async def once(self) -> None:
        """One round of everything recovery does."""
        await self.lost_workers()
        await self.orphans()
        await self.cancel_requests()

    async def lost_workers(self) -> int:
        """Settles the runs of lost workers; answers how many there were."""
        settled = 0
        lost = await self._house.database.fetch(
            QUERIES["lost_workers"], self._house.worker_id, self._node, self._house.clock.now()
        )
        for worker in lost:
            settled += await self._settle_worker(worker["worker_id"])
        return settled

    async def _settle_worker(self, worker_id: UUID) -> int:
        rows = await self._house.database.fetch(QUERIES["runs_of_worker"], worker_id)
        for row in rows:
            await self._interrupted(row, RunInterrupted())
        await self._house.database.execute(QUERIES["leave"], worker_id)
        if rows:
            _log.warning("runs_recovered", worker_id=str(worker_id), runs=len(rows))
        return len(rows)

    async def orphans(self) -> None:
        """Runs of this worker that nobody here carries: one of their commits went through and was not heard of."""
        for row in await self._house.database.fetch(QUERIES["runs_of_worker"], self._house.worker_id):
            # A clock may have been set back since, and ids never go back: what seems to come is not fresh.
            fresh = abs(self._house.clock.now() - row["created_at"]) < _GRACE
            if not fresh and self._house.live.get(row["run_id"]) is None:
                await self._interrupted(row, PlatformFault())

    async def cancel_requests(self) -> None:
        """Cancellations that were asked for, and that whoever was asked did not see through."""
        for row in await self._house.database.fetch(QUERIES["cancel_requests"], self._house.worker_id):
            live = self._house.live.get(row["run_id"])
            if live is not None:
                live.cancel()
            elif row["worker_id"] is None:
                await self._end(self._found(row), Ended(cancelled=True), row["status"])
                self._house.backlog.left(row["circle_id"])

    async def hand_over(self) -> None:
        """At an orderly end: what is still running here is settled as a crash would be, without the wait."""
        await self._settle_worker(self._house.worker_id)

    async def _interrupted(self, row: Row, error: TriformError) -> None:
        live = self._found(row)
        live.book.complete = False
        ended = Ended(failure=error.failure())
        delay_ms = await self._delay(live, ended)
        if delay_ms is None or live.run.status is Status.pending:
            await self._end(live, ended, row["status"])
        else:
            await self._ending.again(live, ended, delay_ms)
            self._house.backlog.wake()

    async def _delay(self, live: LiveRun, ended: Ended) -> float | None:
        if live.run.trigger != "async" and live.accepted is None:
            return None
        try:
            return next_delay_ms(await call_of(live.run, self._house), live.attempt, ended)
        except DatabaseUnavailable:
            raise
        except TriformError:
            return None

    def _found(self, row: Row) -> LiveRun:
        return live_run(row, self._house, self._house.spool.left_behind(row["run_id"]))

    async def _end(self, live: LiveRun, ended: Ended, expected: str) -> Run:
        return await self._ending.end(live, ended, Status(expected))
