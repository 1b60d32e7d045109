"""Asynchronous runs: they wait in Postgres; this takes the oldest that may start whenever a slot is free."""

from datetime import datetime
from functools import partial
from uuid import UUID

import structlog

from triform.errors import TriformError
from triform.executor import traced
from triform.executor.attempts import Attempts
from triform.executor.commits import QUERIES
from triform.executor.dispatch import dispatch
from triform.executor.ending import Ending
from triform.executor.house import House
from triform.executor.live import LiveRun
from triform.executor.passage import Passage
from triform.executor.slots import Ticket
from triform.executor.stored import call_of, live_run
from triform.observability.heartbeat import Heartbeat
from triform.runs.call import Call
from triform.runs.model import Ended, Run, Status
from triform.storage.database import Row
from triform.storage.errors import DatabaseUnavailable
from triform.wallet import pricing

_log = structlog.get_logger()
_LOOK_EVERY_S = 1.0
_MOST = 64


class Queue:
    """`loop` runs until cancelled; `pump` is one round and answers how many runs it began."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._attempts = Attempts(house)
        self._ending = Ending(house)
        self.beat = Heartbeat("queue", house.clock)

    async def loop(self) -> None:
        while True:
            try:
                with self.beat.turn():
                    pause = 0.0 if await self.pump() else await self._until_next()
            except DatabaseUnavailable as error:
                _log.warning("queue_waits_for_database", error=error.message)
                pause = _LOOK_EVERY_S
            except Exception:
                _log.exception("queue_failed")
                pause = _LOOK_EVERY_S
            if pause:
                await self._house.backlog.woken(pause)

    async def pump(self) -> int:
        """Begins what may begin now. Elements at their own limit are passed over, not waited for."""
        begun, full = 0, list[UUID]()
        self._house.backlog.starved = True
        while (free := self._house.slots.free) > 0:
            due = await self._house.database.fetch(
                QUERIES["due"], self._house.clock.now(), full, list(self._house.live.ids()), min(free, _MOST)
            )
            if not due:
                self._house.backlog.starved = bool(full)
                break
            begun += sum([await self._take(row, full) for row in due])
        return begun

    async def _until_next(self) -> float:
        now = self._house.clock.now()
        due: datetime | None = await self._house.database.fetchval(QUERIES["next_due"], now)
        return _LOOK_EVERY_S if due is None else min(_LOOK_EVERY_S, max(0.001, (due - now).total_seconds()))

    async def _take(self, row: Row, full: list[UUID]) -> bool:
        if row["element_id"] in full:
            return False
        live = live_run(row, self._house)
        try:
            call = await call_of(live.run, self._house)
            live.hide(self._house.masks.of(call.element))
            return self._begin(call, live, full)
        except DatabaseUnavailable:
            raise
        except TriformError as error:
            await self._refuse(live, Ended(failure=error.failure()))
            return True

    def _begin(self, call: Call, live: LiveRun, full: list[UUID]) -> bool:
        limits = call.type.limits_of(call.element.spec)
        ticket = self._house.slots.take(call.element.id, limits.concurrency_max)
        if ticket is None:
            full.append(call.element.id)
            return False
        self._house.live.add(live)
        passage = Passage(call=call, ceiling=pricing.most(limits))
        self._house.tasks.start(self._carry_out(passage, live, ticket), name=f"run {call.element.path}")
        return True

    async def _carry_out(self, passage: Passage, live: LiveRun, ticket: Ticket) -> None:
        final: Run | None = None
        self._house.backlog.left(live.run.circle_id)
        try:
            final = await self._traced(passage, live)
        except DatabaseUnavailable as error:
            _log.error("queued_run_unsettled", run_id=str(live.run_id), error=error.message)
        finally:
            self._house.live.remove(live, final)
            ticket.release()
            self._house.backlog.wake()

    async def _traced(self, passage: Passage, live: LiveRun) -> Run | None:
        """One attempt under a span of its own, in the trace that accepted the run."""
        with self._house.tracing.execution(live.accepted, traced.of_call(passage.call)) as span:
            final = await self._attempts.queued(passage, live, partial(dispatch, house=self._house))
            traced.tell_run(span, final or live.run)
        return final

    async def _refuse(self, live: LiveRun, ended: Ended) -> None:
        """A run that cannot be carried out any more ends without a charge."""
        self._house.backlog.left(live.run.circle_id)
        final: Run | None = None
        self._house.live.add(live)
        try:
            final = await self._ending.end(live, ended, Status.pending)
        finally:
            self._house.live.remove(live, final)
