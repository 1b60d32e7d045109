"""One attempt of a run: wait for the slot, dispatch, settle or schedule the next."""

import asyncio
from datetime import timedelta

import structlog

from triform.errors import PlatformFault
from triform.executor.commits import End, Start
from triform.executor.errors import ConcurrencyLimit, RunCancelled
from triform.executor.house import House
from triform.executor.live import LiveRun
from triform.executor.passage import Passage, Proceed
from triform.executor.retry import next_delay_ms
from triform.executor.settle import blameless, closed_attempts, settled
from triform.executor.slots import Ticket
from triform.runs.model import Attempt, Ended, Run, Status
from triform.storage.errors import DatabaseUnavailable

_log = structlog.get_logger()
_PAUSE_S = 0.5


class Attempts:
    """`first` for a caller who waits, `queued` for a run the queue has taken; both end in a settled run."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def first(self, passage: Passage, proceed: Proceed, ticket: Ticket) -> Run:
        """A synchronous run: the only attempt, after at most `queue_wait_s` in the queue."""
        live = _live(passage)
        if not ticket.granted:
            waited = await self._wait(live, ticket)
            if waited is not None:
                return await self._end(passage, waited, expected=Status.pending)
            await self._begin(live)
        return await self._end(passage, await self._dispatch(passage, proceed), expected=Status.running)

    async def queued(self, passage: Passage, proceed: Proceed) -> Run | None:
        """One attempt of an asynchronous run; None when it was taken elsewhere or will be tried again."""
        live = _live(passage)
        if not await self._begin(live):
            return None
        ended = await self._dispatch(passage, proceed)
        delay_ms = next_delay_ms(passage.call, live.attempt, ended)
        if delay_ms is None:
            return await self._end(passage, ended, expected=Status.running)
        await self._again(live, ended, delay_ms)
        return None

    async def refuse(self, passage: Passage, ended: Ended) -> Run:
        """Ends a waiting run that will not be started."""
        return await self._end(passage, ended, expected=Status.pending)

    async def _wait(self, live: LiveRun, ticket: Ticket) -> Ended | None:
        """None when the slot came; else how the wait ended."""
        cancelled = asyncio.ensure_future(live.cancelled())
        try:
            if await ticket.wait(self._house.bounds.queue_wait_s, cancelled):
                return None
        finally:
            cancelled.cancel()
        if live.cancel_requested:
            return Ended(cancelled=True)
        return Ended(failure=ConcurrencyLimit().failure())

    async def _begin(self, live: LiveRun) -> bool:
        now, before = self._house.clock.now(), live.run
        begun = Attempt(number=live.attempt + 1, started_at=now, worker_id=self._house.worker_id)
        live.run = before.evolve(
            status=Status.running,
            started_at=before.started_at or now,
            attempts=(*before.attempts, begun),
            usage=before.usage,
        )
        start = Start(
            run=live.run, expected=live.attempt, attempt=begun.number, worker_id=self._house.worker_id, at=now
        )
        live.attempt = begun.number
        return await self._house.commits.start(start)

    async def _dispatch(self, passage: Passage, proceed: Proceed) -> Ended:
        live = _live(passage)
        if live.cancel_requested:
            return Ended(cancelled=True)
        self._house.spool.open(live.run_id, live.book)
        outcome = await proceed(passage)
        return outcome.ended or Ended(failure=PlatformFault().failure())

    async def _end(self, passage: Passage, ended: Ended, *, expected: Status) -> Run:
        """The second commit. While the database is away it is repeated: the work is done and must count."""
        live = _live(passage)
        kept = live.book.finish()
        if ended.cancelled:
            ended = Ended(cancelled=True, failure=RunCancelled().failure(), usage=ended.usage,
                          handler_started=ended.handler_started, isolation=ended.isolation)  # fmt: skip
        final = settled(passage, ended, kept.summary, self._house.clock.now())
        end = End(
            run=final,
            expected=expected,
            attempt=live.attempt,
            lines=kept.lines,
            release_key=blameless(ended),
        )
        if not await self._commit_end(end):
            _log.warning("run_ended_elsewhere", run_id=str(live.run_id))
        self._house.spool.close(live.run_id)
        return final

    async def _commit_end(self, end: End) -> bool:
        give_up = self._house.clock.monotonic() + self._house.bounds.lease_s * 2
        while True:
            try:
                return await self._house.commits.end(end)
            except DatabaseUnavailable:
                if self._house.clock.monotonic() > give_up:
                    raise
            await asyncio.sleep(_PAUSE_S)

    async def _again(self, live: LiveRun, ended: Ended, delay_ms: float) -> None:
        now = self._house.clock.now()
        run = live.run.evolve(attempts=closed_attempts(live.run, ended, now), usage=ended.usage)
        kept = live.book.finish()
        due = now + timedelta(milliseconds=delay_ms)
        await self._house.commits.reschedule(run, live.attempt, due, kept)
        self._house.spool.close(live.run_id)


def _live(passage: Passage) -> LiveRun:
    if passage.live is None:
        raise RuntimeError("an attempt needs a live run")
    return passage.live
