"""Runs the handler: plan, lease, run; one silent repeat when the platform failed before the handler began."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from triform.clock import Clock
from triform.errors import TriformError
from triform.runs.call import Call
from triform.runs.model import Ended, Usage
from triform.substrates.interfaces import RunContext
from triform.substrates.isolation import failures
from triform.substrates.isolation.interfaces import Cause, DriverFault, Frame, LoadFailed
from triform.substrates.isolation.outcome import Outcome
from triform.substrates.isolation.plan import Plan, Planner
from triform.substrates.isolation.pool import Pool
from triform.substrates.isolation.run import Run
from triform.substrates.isolation.shelf import Lease

_STREAMS = {"O": "stdout", "E": "stderr"}
_STARTED_NOTHING = Cause.infra_before


@dataclass(frozen=True, slots=True)
class Invoke:
    """The operation that runs the handler. `driver` is what its runs are labelled with."""

    planner: Planner
    pool: Pool
    clock: Clock
    driver: str

    async def __call__(self, call: Call, context: RunContext) -> Ended:
        try:
            plan = await self.planner.plan(call)
        except TriformError as refused:
            return Ended(failure=refused.failure(), isolation=self.driver)
        ended = await self._once(plan, call, context)
        return await self._once(plan, call, context) if _to_repeat(ended) else ended

    async def _once(self, plan: Plan, call: Call, context: RunContext) -> Ended:
        try:
            lease = self.pool.spare(plan.template) or await self._obtain(plan, context)
        except LoadFailed as failed:
            write_output(failed.output, context)
            usage = Usage(cold_start_ms=failed.ms)
            failure = failures.of_load(failed, plan)
            return Ended(failure=failure, usage=usage, handler_started=True, isolation=self.driver)
        except DriverFault as fault:
            return Ended(failure=failures.platform_fault(str(fault)), isolation=self.driver)
        if lease is None:
            return Ended(cancelled=True, isolation=self.driver)
        try:
            return await self._run(plan, call, context, lease)
        finally:
            self.pool.put_back(lease)

    async def _obtain(self, plan: Plan, context: RunContext) -> Lease | None:
        """A lease, or None when the run was cancelled before there was one."""
        obtaining = asyncio.create_task(self.pool.obtain(plan.template))
        try:
            await _first(obtaining, context.cancelled())
        except asyncio.CancelledError:
            await self._call_off(obtaining)
            raise
        if not obtaining.done():
            await self._call_off(obtaining)
            return None
        return obtaining.result()

    async def _call_off(self, obtaining: "asyncio.Task[Lease]") -> None:
        obtaining.cancel()
        await asyncio.wait({obtaining})
        if not obtaining.cancelled() and obtaining.exception() is None:
            await self.pool.give_back(obtaining.result())

    async def _run(self, plan: Plan, call: Call, context: RunContext, lease: Lease) -> Ended:
        write_output(lease.load_output, context)
        run = Run(lease.instance, plan.order(call, str(context.run_id)), context, self.clock)
        outcome = await run.drive()
        if outcome.cause is _STARTED_NOTHING:
            self.pool.distrust(lease)
        return Ended(
            output=outcome.output,
            failure=None if outcome.cause in _NO_FAILURE else failures.of_outcome(outcome, plan),
            cancelled=outcome.cause is Cause.cancelled,
            usage=_usage(outcome, lease),
            handler_started=outcome.handler_started,
            isolation=self.driver,
        )


_NO_FAILURE = frozenset({Cause.ok, Cause.cancelled})


def write_output(frames: tuple[Frame, ...], context: RunContext) -> None:
    """What was printed while loading belongs to the run that waited for it."""
    for frame in frames:
        context.write(_STREAMS[frame.kind], frame.payload)


async def _first(task: "asyncio.Task[Any]", stop: Coroutine[Any, Any, None]) -> None:
    """Waits for either; the other one keeps going, but for `stop`."""
    stopping = asyncio.create_task(stop)
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()


def _to_repeat(ended: Ended) -> bool:
    return ended.failure is not None and ended.failure.code == "PLATFORM_FAULT" and not ended.handler_started


def _usage(outcome: Outcome, lease: Lease) -> Usage:
    return Usage(
        duration_ms=outcome.duration_ms,
        cold_start_ms=lease.cold_start_ms,
        cpu_ms=outcome.exit.cpu_ms,
        memory_peak_mb=outcome.exit.memory_peak_bytes / failures.MB,
    )
