"""Safety around any driver, so that drivers stay plain.

    READY ──invoke──► RUNNING ──kill──► DONE ──nothing left──► GONE

One invoke per instance, a limit on every wait, every unexpected exception a `DriverFault`, and a count of
what was made and what is gone: a difference at the end is a leak.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from triform.substrates.isolation.interfaces import (
    Capabilities,
    Driver,
    DriverFault,
    Exit,
    Frame,
    GuestGone,
    Instance,
    LoadFailed,
    ProtocolViolation,
    Template,
    TemplateSpec,
)

Answer = TypeVar("Answer")

_INVOKE = b'{"type":"invoke"'


class Stage(StrEnum):
    ready = "ready"
    running = "running"
    done = "done"
    gone = "gone"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds; loading has its own limit in the spec, `load_slack_s` is what the driver may take besides."""

    probe_s: float = 60.0
    load_slack_s: float = 20.0
    clone_s: float = 10.0
    kill_s: float = 10.0
    discard_s: float = 15.0


@dataclass(slots=True)
class Counts:
    """`leaked` instances and templates did not end in time; the driver's `stop` is their last chance."""

    templates: int = 0
    discarded: int = 0
    load_failures: int = 0
    instances: int = 0
    invoked: int = 0
    gone: int = 0
    faults: int = 0
    leaked: int = 0

    @property
    def alive(self) -> int:
        return self.instances - self.gone


class GuardedDriver:
    """A `Driver` that holds another one to its promises."""

    def __init__(self, driver: Driver, patience: Patience | None = None) -> None:
        self._driver = driver
        self._patience = patience or Patience()
        self.name = driver.name
        self.counts = Counts()
        self.last_fault = ""

    async def probe(self) -> Capabilities:
        return await self._within(self._patience.probe_s, "probe", self._driver.probe())

    async def start(self) -> None:
        await self._driver.start()

    async def stop(self) -> None:
        await self._driver.stop()

    async def template(self, spec: TemplateSpec) -> Template:
        limit = spec.load_timeout_ms / 1000 + self._patience.load_slack_s
        try:
            template = await self._within(limit, "template", self._driver.template(spec))
        except LoadFailed:
            self.counts.load_failures += 1
            raise
        self.counts.templates += 1
        return template

    async def clone(self, template: Template, thaw: Frame) -> "GuardedInstance":
        instance = await self._within(self._patience.clone_s, "clone", self._driver.clone(template, thaw))
        self.counts.instances += 1
        return GuardedInstance(instance, self)

    async def discard(self, template: Template) -> None:
        """Never raises: what cannot be discarded is counted as leaked."""
        try:
            await self._within(self._patience.discard_s, "discard", self._driver.discard(template))
            self.counts.discarded += 1
        except DriverFault:
            self.counts.leaked += 1

    async def usage(self, instance: Instance) -> Exit:
        """Within the limit of a kill, which it takes the place of for the caller."""
        return await self._within(self._patience.kill_s, "usage", instance.usage())

    async def end(self, instance: Instance) -> Exit:
        """Kill within the limit; an instance that will not die is a leak and a fault."""
        try:
            ended = await self._within(self._patience.kill_s, "kill", instance.kill())
        except DriverFault:
            self.counts.leaked += 1
            raise
        self.counts.gone += 1
        return ended

    async def _within(self, limit_s: float, what: str, work: Awaitable[Answer]) -> Answer:
        try:
            async with asyncio.timeout(limit_s):
                return await work
        except (LoadFailed, DriverFault) as expected:
            self._note(expected)
            raise
        except TimeoutError:
            raise self._fault(f"{what} took longer than {limit_s:g} s") from None
        except (GuestGone, ProtocolViolation) as error:
            raise self._fault(f"{what}: the guest broke off: {error}") from error
        except Exception as error:
            raise self._fault(f"{what}: {type(error).__name__}: {error}") from error

    def _note(self, expected: Exception) -> None:
        if isinstance(expected, DriverFault):
            self._fault(str(expected))

    def _fault(self, text: str) -> DriverFault:
        self.counts.faults += 1
        self.last_fault = text
        return DriverFault(text)


class GuardedInstance:
    """An `Instance` that serves one invoke."""

    def __init__(self, instance: Instance, guard: GuardedDriver) -> None:
        self._instance = instance
        self._guard = guard
        self._ending: asyncio.Task[Exit] | None = None
        self.stage = Stage.ready

    async def send(self, *frames: Frame) -> None:
        if self.stage in (Stage.done, Stage.gone):
            raise GuestGone("the instance has been killed")
        if any(frame.kind == "J" and frame.payload.startswith(_INVOKE) for frame in frames):
            self._start()
        await self._instance.send(*frames)

    def _start(self) -> None:
        if self.stage is not Stage.ready:
            raise DriverFault("an instance serves one run only")
        self.stage = Stage.running
        self._guard.counts.invoked += 1

    def frames(self) -> AsyncIterator[Frame]:
        return self._instance.frames()

    def rest(self) -> tuple[Frame, ...]:
        return self._instance.rest()

    async def usage(self) -> Exit:
        return await self._guard.usage(self._instance)

    async def kill(self) -> Exit:
        """Idempotent; goes on to the end even when the caller is cancelled."""
        if self._ending is None:
            self.stage = Stage.done
            self._ending = asyncio.create_task(self._end())
        return await asyncio.shield(self._ending)

    async def _end(self) -> Exit:
        with contextlib.ExitStack() as stack:
            stack.callback(setattr, self, "stage", Stage.gone)
            return await self._guard.end(self._instance)
