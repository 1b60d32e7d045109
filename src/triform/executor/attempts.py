"""One attempt of a run: wait for the slot, dispatch, end it or schedule the next."""

import asyncio

import structlog
from msgspec.structs import replace

from triform.errors import PlatformFault
from triform.executor import traced
from triform.executor.commits import Start
from triform.executor.ending import Ending
from triform.executor.errors import ConcurrencyLimit
from triform.executor.hide import hidden
from triform.executor.house import House
from triform.executor.live import LiveRun
from triform.executor.passage import Passage, Proceed
from triform.executor.retry import next_delay_ms
from triform.executor.settle import milliseconds
from triform.executor.slots import Ticket
from triform.runs.model import Attempt, Ended, Run, Status

_log = structlog.get_logger()


class Attempts:
    """`first` for a caller who waits, `queued` for a run the queue has taken."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._ending = Ending(house)

    async def first(self, passage: Passage, live: LiveRun, proceed: Proceed, ticket: Ticket) -> Run:
        """A synchronous run: its only attempt, after at most `queue_wait_s` in the queue."""
        if not ticket.granted:
            waited = await self._wait(live, ticket)
            if waited is not None:
                return await self._left(passage, live, waited)
            await self._begin(live)
        traced.queued(self._house.tracing, live.run, live.run.started_at or self._house.clock.now())
        return await self._end(passage, live, await self._dispatch(passage, live, proceed))

    async def queued(self, passage: Passage, live: LiveRun, proceed: Proceed) -> Run | None:
        """One attempt of an asynchronous run; None when it was taken elsewhere or will be tried again."""
        waited = live.run
        if not await self._begin(live):
            return None
        traced.queued(self._house.tracing, waited, self._house.clock.now())
        ended = await self._dispatch(passage, live, proceed)
        delay_ms = next_delay_ms(passage.call, live.attempt, ended)
        if delay_ms is None:
            return await self._end(passage, live, ended)
        await self._ending.again(live, ended, delay_ms)
        return None

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
        """The run's row becomes `running`; False when it is not waiting any more."""
        now, expected = self._house.clock.now(), live.attempt
        live.attempt += 1
        begun = Attempt(number=live.attempt, started_at=now, worker_id=self._house.worker_id)
        first = live.run.started_at or now
        live.run = live.run.evolve(
            status=Status.running,
            started_at=first,
            attempts=(*live.run.attempts, begun),
            usage=replace(live.run.usage, queue_ms=milliseconds(live.run.created_at, first)),
        )
        return await self._house.commits.start(
            Start(run=live.run, expected=expected, attempt=live.attempt, worker_id=self._house.worker_id, at=now)
        )

    async def _dispatch(self, passage: Passage, live: LiveRun, proceed: Proceed) -> Ended:
        if live.cancel_requested:
            return Ended(cancelled=True)
        self._house.spool.open(live.run_id, live.book)
        began = self._house.clock.now()
        outcome = await proceed(passage.evolve(live=live))
        ended = await hidden(outcome.ended or Ended(failure=PlatformFault().failure()), live.mask)
        traced.attempted(self._house.tracing, began, live.attempt, ended)
        return ended

    async def _left(self, passage: Passage, live: LiveRun, waited: Ended) -> Run:
        """The run ends without an attempt; it counts among the runs of its type all the same."""
        final = await self._ending.end(live, waited, Status.pending)
        await self._hooks(passage, final)
        return final

    async def _end(self, passage: Passage, live: LiveRun, ended: Ended) -> Run:
        prices = passage.call.type.prices(live.run.operation)
        final = await self._ending.end(live, ended, Status.running, prices, passage.ceiling)
        await self._hooks(passage, final)
        return final

    async def _hooks(self, passage: Passage, run: Run) -> None:
        """The run has ended whatever these do."""
        hooks = passage.call.type.hooks
        names = (*hooks.on_error, *hooks.after) if run.status is Status.failed else hooks.after
        for name in names:
            try:
                await self._house.hooks[name](passage, run, self._house)
            except Exception:
                _log.exception("hook_failed", hook=name, run_id=str(run.run_id))
