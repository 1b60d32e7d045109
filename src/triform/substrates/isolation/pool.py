"""Readiness, for any driver: templates loaded once, single-use instances kept ready ahead of demand.

    lease(spec) ──► a spare, if one is ready            (a run is then an exchange of messages)
                └─► else a clone of the template         (loaded once, however many wait for it)

Spares are refilled in the background; how many follows demand and falls when it ends. Templates and spares
live within a memory budget; the least recently used go first, never one that is at work.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import structlog

from triform.clock import Clock
from triform.observability.heartbeat import Heartbeat
from triform.substrates.isolation.interfaces import (
    Driver,
    DriverFault,
    LoadFailed,
    StillBorn,
    Template,
    TemplateSpec,
)
from triform.substrates.isolation.maker import Maker
from triform.substrates.isolation.shelf import Lease, Policy, Shelf, Spare

_log = structlog.get_logger()
Made = TypeVar("Made")

_PASSING = frozenset({"timeout", "oom", "signal", "protocol"})
"""Causes of a failed load that may well not come back."""


class Pool:
    """Ready instances by template spec. `start` keeps it tended, `stop` takes everything down."""

    def __init__(self, driver: Driver, clock: Clock, policy: Policy) -> None:
        self._driver = driver
        self._clock = clock
        self._policy = policy
        self.beat = Heartbeat("pool", clock)
        self._shelves: dict[str, Shelf] = {}
        self._maker = Maker(driver, clock, self._spawn, self._make_room)
        self._stopping = False
        self._tending: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._tending = asyncio.create_task(self._tend_for_ever())

    async def stop(self) -> None:
        """No leases from here on; every spare and template is gone when it returns."""
        self._stopping = True
        shelves = list(self._shelves.values())
        tasks = [task for shelf in shelves for task in (shelf.loading, shelf.refill) if task]
        tasks += [self._tending] if self._tending else []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for shelf in shelves:
            self._retire(shelf)
        while self._background:
            await asyncio.gather(*self._background, return_exceptions=True)

    def facts(self) -> dict[str, float]:
        """How much is held ready right now."""
        shelves = self._shelves.values()
        return {
            "templates": sum(shelf.template is not None for shelf in shelves),
            "spares": sum(len(shelf.spares) for shelf in shelves),
            "leases": sum(shelf.leases for shelf in shelves),
            "memory_mb": self._held_mb(),
        }

    def folders(self) -> frozenset[Path]:
        """Of the code that templates were made of."""
        return frozenset(shelf.spec.code for shelf in self._shelves.values())

    @property
    def memory_limit_mb(self) -> float:
        return self._policy.memory_mb

    @contextlib.asynccontextmanager
    async def lease(self, spec: TemplateSpec) -> AsyncIterator[Lease]:
        """`obtain` and `give_back` around a block."""
        lease = self.spare(spec) or await self.obtain(spec)
        try:
            yield lease
        finally:
            await self.give_back(lease)

    def spare(self, spec: TemplateSpec) -> Lease | None:
        """A lease at once, if an instance is ready."""
        shelf = self._shelves.get(spec.key)
        if shelf is None or not shelf.spares or self._stopping:
            return None
        self._borrowed(shelf)
        self._shelf(spec).wanted(shelf.leases + 1, self._policy.most_spares)
        lease = Lease(spare=shelf.spares.popleft(), shelf=shelf)
        asyncio.get_running_loop().call_later(self._policy.lag_s, self._replenish, shelf)
        return lease

    async def obtain(self, spec: TemplateSpec) -> Lease:
        """A READY instance for one run. Raises `LoadFailed` for what user code did, `DriverFault` when the
        machinery failed twice: a shelf that cannot serve is retired, and a fresh one is given a chance. Code that
        loads well, but of which no instance comes to life, has taken its language apart: that is its doing."""
        return await self._twice(spec, self._borrow)

    async def give_back(self, lease: Lease) -> None:
        """Ends the instance, and a template that is its own; goes on when the caller is cancelled."""
        if lease.spare.own:
            await asyncio.shield(self._spawn(self._end(lease)))
        else:
            await self._end(lease)

    def put_back(self, lease: Lease) -> None:
        """As `give_back`, for who need not wait until nothing is left; `stop` does."""
        self._spawn(self._end(lease))

    async def warm(self, spec: TemplateSpec) -> Template:
        """Loads now, even what failed before, and gets a spare ready in the background. Raises as `obtain`."""
        self._shelf(spec).failure = None
        return await self._twice(spec, self._warm)

    def distrust(self, lease: Lease) -> None:
        """Its instance was dead before it got work: nothing that came from this template is used again."""
        self._retire(lease.shelf)

    async def tend(self) -> None:
        """One pass: fewer spares where demand ended, more where it is, forget what need not be remembered."""
        now = self._clock.monotonic()
        for shelf in list(self._shelves.values()):
            idle = now - shelf.used_at > self._policy.idle_s
            shelf.target = 0 if idle else min(shelf.target, shelf.peak + 1)
            shelf.peak = shelf.leases
            await self._shed(shelf, shelf.target)
            self._replenish(shelf)
            self._forget(shelf, now)
        await self._make_room()

    # serving

    def _shelf(self, spec: TemplateSpec) -> Shelf:
        if self._stopping:
            raise DriverFault("the pool is stopping")
        shelf = self._shelves.setdefault(spec.key, Shelf(spec))
        shelf.used_at = self._clock.monotonic()
        return shelf

    async def _borrow(self, shelf: Shelf) -> Lease:
        with self._borrowed(shelf) as borrowed:
            try:
                lease = await self._serve(shelf)
            except DriverFault:
                self._retire(shelf)
                raise
            borrowed.pop_all()
        return lease

    async def _warm(self, shelf: Shelf) -> Template:
        with self._borrowed(shelf):
            template = shelf.spares[0].template if shelf.spares else await self._maker.shared(shelf)
            shelf.wanted(1, self._policy.most_spares)
            self._replenish(shelf)
        return template

    async def _twice(self, spec: TemplateSpec, act: Callable[[Shelf], Awaitable[Made]]) -> Made:
        try:
            return await act(self._shelf(spec))
        except DriverFault:
            try:
                return await act(self._shelf(spec))
            except StillBorn as stillborn:
                failure = LoadFailed("protocol", detail="its changes of the language keep every run from starting")
                raise self._shelf(spec).failed(failure, self._clock.monotonic()) from stillborn

    def _borrowed(self, shelf: Shelf) -> contextlib.ExitStack:
        """Counts a lease, until the stack is closed."""
        stack = contextlib.ExitStack()
        shelf.leases += 1
        shelf.peak = max(shelf.peak, shelf.leases)
        stack.callback(self._returned, shelf)
        return stack

    def _returned(self, shelf: Shelf) -> None:
        shelf.leases -= 1
        if shelf.retired and not shelf.leases:
            self._spawn(self._take_down(shelf))

    async def _end(self, lease: Lease) -> None:
        try:
            await self._put_away(lease.spare)
        finally:
            self._returned(lease.shelf)

    async def _serve(self, shelf: Shelf) -> Lease:
        began, loads = self._clock.monotonic(), shelf.empty or shelf.alone
        shelf.wanted(shelf.leases + 1, self._policy.most_spares)
        spare = await self._maker.make(shelf)
        asyncio.get_running_loop().call_later(self._policy.lag_s, self._replenish, shelf)
        cold_ms = (self._clock.monotonic() - began) * 1000
        return Lease(spare=spare, shelf=shelf, cold_start_ms=cold_ms, cold=True, loaded=loads)

    # readiness

    def _replenish(self, shelf: Shelf) -> None:
        if shelf.refill is None and self._lacks(shelf):
            shelf.refill = self._spawn(self._refill(shelf))

    def _lacks(self, shelf: Shelf) -> bool:
        more = shelf.spare_mb(self._policy.footprint)
        wanted = len(shelf.spares) < shelf.most_spares and not (shelf.retired or self._stopping)
        return wanted and self._held_mb() + more <= self._policy.memory_mb

    async def _refill(self, shelf: Shelf) -> None:
        try:
            while self._lacks(shelf):
                shelf.spares.append(await self._maker.make(shelf))
        except DriverFault:
            self._retire(shelf)
        except LoadFailed:
            pass  # remembered by the shelf
        finally:
            shelf.refill = None
            if shelf.retired and not shelf.leases:
                await self._take_down(shelf)

    async def _shed(self, shelf: Shelf, keep: int) -> None:
        while len(shelf.spares) > keep:
            await self._put_away(shelf.spares.pop())

    async def _put_away(self, spare: Spare) -> None:
        try:
            await spare.instance.kill()
        except DriverFault:
            pass  # the driver has counted it
        finally:
            if spare.own:
                await self._driver.discard(spare.template)

    # room

    def _held_mb(self) -> float:
        return sum(shelf.memory_mb(self._policy.footprint) for shelf in self._shelves.values())

    async def _make_room(self) -> None:
        """Least recently used first; what is at work stays, even over the budget."""
        for shelf in sorted(self._shelves.values(), key=lambda shelf: shelf.used_at):
            if self._held_mb() <= self._policy.memory_mb:
                return
            if not shelf.busy:
                self._shelves.pop(shelf.spec.key, None)
                shelf.retired = True
                await self._take_down(shelf)

    def _retire(self, shelf: Shelf) -> None:
        """Off the pool at once; taken down when nobody uses it any more."""
        if self._shelves.get(shelf.spec.key) is shelf:
            del self._shelves[shelf.spec.key]
        shelf.retired = True
        if not shelf.leases:
            self._spawn(self._take_down(shelf))

    async def _take_down(self, shelf: Shelf) -> None:
        await self._shed(shelf, 0)
        template, shelf.template = shelf.template, None
        if template is not None:
            await self._driver.discard(template)

    def _forget(self, shelf: Shelf, now: float) -> None:
        if shelf.failure is not None:
            keep_s = self._policy.passing_s if shelf.failure.cause in _PASSING else self._policy.failure_s
            if now - shelf.failed_at > keep_s:
                shelf.failure = None
        if shelf.empty and not shelf.busy and shelf.failure is None:
            self._retire(shelf)

    async def _tend_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._policy.tend_every_s)
            try:
                with self.beat.turn():
                    await self.tend()
            except Exception:
                _log.exception("pool_tending_failed")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._background.discard(task)
        if not task.cancelled():
            task.exception()
