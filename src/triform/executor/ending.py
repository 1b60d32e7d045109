"""The second commit of a run: its end, its price, its lines and its event, all or nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog

from triform.chemistry.model import Price
from triform.executor.commits import End
from triform.executor.errors import RunCancelled
from triform.executor.house import House
from triform.executor.live import LiveRun
from triform.executor.settle import blameless, closed_attempts, settled
from triform.runs.model import Ended, Run, Status
from triform.storage.errors import DatabaseUnavailable

_log = structlog.get_logger()
_PAUSE_S = 0.5


class Ending:
    def __init__(self, house: House) -> None:
        self._house = house

    async def end(
        self,
        live: LiveRun,
        ended: Ended,
        expected: Status,
        prices: Sequence[Price] = (),
        ceiling: Mapping[str, int] | None = None,
    ) -> Run:
        """The finished run. Without `prices` nothing is charged."""
        kept = live.book.finish()
        failure = RunCancelled().failure() if ended.cancelled else ended.failure
        final = settled(live.run, ended, failure, kept.summary, self._house.clock.now(), prices, ceiling or {})
        end = End(
            run=final, expected=expected, attempt=live.attempt, lines=kept.lines, release_key=blameless(ended)
        )
        with self._house.tracing.stage("commit.end"):
            written = await self._patiently(end)
        if written:
            self._house.figures.ended(final)
        else:
            _log.warning("run_ended_elsewhere", run_id=str(live.run_id))
        self._house.spool.close(live.run_id)
        return final

    async def again(self, live: LiveRun, ended: Ended, delay_ms: float) -> None:
        """The attempt is over, the run waits for the next one; its hold stays."""
        now = self._house.clock.now()
        attempts = closed_attempts(live.run, ended, now)
        run = live.run.evolve(attempts=attempts, usage=ended.usage)
        due = now + timedelta(milliseconds=delay_ms)
        await self._house.commits.reschedule(run, live.attempt, due, live.book.finish())
        live.run = run.evolve(status=Status.pending)
        self._house.spool.close(live.run_id)

    async def _patiently(self, end: End) -> bool:
        """While the database is away the commit is repeated: the work is done and must count."""
        give_up = self._house.clock.monotonic() + self._house.bounds.lease_s * 2
        while True:
            try:
                return await self._house.commits.end(end)
            except DatabaseUnavailable:
                if self._house.clock.monotonic() > give_up:
                    raise
            await asyncio.sleep(_PAUSE_S)
