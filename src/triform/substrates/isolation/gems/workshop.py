"""Runs a program of a language once, in a sandbox of its own that is gone afterwards."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import structlog

from triform.clock import Clock
from triform.substrates.isolation.calls import HostCalls
from triform.substrates.isolation.guard import GuardedDriver
from triform.substrates.isolation.interfaces import Cause, DriverFault, Limits, LoadFailed, TemplateSpec
from triform.substrates.isolation.maker import thaw
from triform.substrates.isolation.outcome import Order, Outcome
from triform.substrates.isolation.plan import DEFAULT_HANDLER, PLATFORM_ENVIRONMENT
from triform.substrates.isolation.run import Listener, Run

_log = structlog.get_logger()

_LOAD_MS = 30_000
_OUTPUT_LIMIT = 4 << 20
_ITS_FAULT = (Cause.infra_before, Cause.infra_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A program in user-code form: `code` is the folder with it, `image` the root file system."""

    language: str
    image: Path
    code: Path
    program: str
    event: Any
    limits: Limits
    timeout_ms: int


class Broken(Exception):
    """A program did not answer; `cause` is how it ended."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.error.message if outcome.error else outcome.detail)
        self.cause = outcome.cause


class Workshop:
    def __init__(self, driver: GuardedDriver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock

    async def run(self, job: Job, listener: Listener, calls: Callable[[], HostCalls]) -> Mapping[str, Any]:
        """What the program answers; `calls` makes what answers its calls. Raises Broken, and DriverFault when the
        machinery failed twice."""
        try:
            return await self._once(job, listener, calls())
        except DriverFault as fault:
            _log.warning("workshop_failed_once", program=job.program, reason=str(fault))
            return await self._once(job, listener, calls())

    async def _once(self, job: Job, listener: Listener, calls: HostCalls) -> Mapping[str, Any]:
        try:
            template = await self._driver.template(_spec(job))
        except LoadFailed as failed:
            raise DriverFault(f"{job.program} does not load: {failed.cause} {failed.error}") from failed
        try:
            instance = await self._driver.clone(template, thaw(self._clock))
            try:
                outcome = await Run(instance, _order(job), listener, self._clock, calls).drive()
            finally:
                with contextlib.suppress(DriverFault):  # the driver has counted it
                    await asyncio.shield(instance.kill())
        finally:
            await asyncio.shield(self._driver.discard(template))
        return _answer(job, outcome)


def _spec(job: Job) -> TemplateSpec:
    return TemplateSpec(
        language=job.language,
        image=job.image,
        code=job.code,
        entry=job.program,
        handler=DEFAULT_HANDLER,
        limits=job.limits,
        load_timeout_ms=_LOAD_MS,
        environment=PLATFORM_ENVIRONMENT,
        owner="platform",
    )


def _order(job: Job) -> Order:
    event = msgspec.json.encode(job.event)
    return Order(run_id=job.program, event=event, timeout_ms=job.timeout_ms, output_limit=_OUTPUT_LIMIT)


def _answer(job: Job, outcome: Outcome) -> Mapping[str, Any]:
    if outcome.cause in _ITS_FAULT:
        raise DriverFault(f"{job.program}: {outcome.cause}: {outcome.detail}")
    if outcome.cause is not Cause.ok or outcome.output is None:
        raise Broken(outcome)
    answer: Mapping[str, Any] = msgspec.json.decode(outcome.output, type=dict[str, Any])
    return answer
