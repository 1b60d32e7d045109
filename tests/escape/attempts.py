"""An escape: a program of a hostile user, tried while it is loaded and in its handler, beside a neighbour."""

import asyncio
import json
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import anyio

from tests.contracts.drivers import outside
from tests.contracts.drivers.bench import ENVIRONMENT, Bench, anew
from triform.clock import SystemClock
from triform.substrates.isolation.drivers.process.template import ProcessTemplate
from triform.substrates.isolation.interfaces import Cause, DriverFault, Limits, LoadFailed, StillBorn, TemplateSpec
from triform.substrates.isolation.outcome import Order, Outcome
from triform.substrates.isolation.run import Run
from triform.testing.groups import homes_of

PROGRAMS = Path(__file__).parent / "programs"
LOAD, RUN = "load", "run"
FAULT = "fault"
MARK = "a-mark-of-the-host"
LIMITS = Limits(memory_mb=64)
LONG_MS = 20_000
SOON_MS = {LOAD: 1000, RUN: 600}
"""For what ends at its deadline; starting the interpreter is a part of loading."""
OUTPUT_LIMIT = 1 << 20

T = TypeVar("T")


@dataclass(frozen=True)
class Tried:
    """How it ended, in the words of `Cause`. `value` is what the program told, if it came to an end."""

    cause: str
    """`fault` for what would be told as a fault of the platform."""
    value: Any = None
    detail: Any = None
    warnings: tuple[str, ...] = ()
    code: int = 0
    printed: int = 0
    """Bytes of it that the host has taken."""


class Ear:
    """What hears of a run, and remembers only how much that was."""

    def __init__(self) -> None:
        self.heard = 0

    def write(self, stream: str, data: bytes) -> None:
        self.heard += len(data)

    def progress(self, percent: float | None, message: str, data: Any) -> None:
        self.heard += len(message)

    async def cancelled(self) -> None:
        await asyncio.Event().wait()


class Escapes:
    """Programs are put together from `prelude`, one of `programs/<language>` and how it is begun."""

    def __init__(self, bench: Bench, neighbour: ProcessTemplate) -> None:
        self.bench = bench
        self._neighbour = neighbour
        self._templates: dict[tuple[str, Limits], ProcessTemplate] = {}

    async def tried(
        self,
        moment: str,
        program: str,
        escape: str,
        limits: Limits = LIMITS,
        timeout_ms: int = LONG_MS,
        given: Any = None,
    ) -> Tried:
        """Ended by whatever ends it, `timeout_ms` at the latest; meanwhile and afterwards the neighbour works."""
        how = self._at_load if moment == LOAD else self._in_run
        return await self.beside_the_neighbour(how(program, escape, limits, timeout_ms, given))

    async def beside_the_neighbour(self, escape: Awaitable[T]) -> T:
        over = asyncio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._neighbour_works, over)
            try:
                return await escape
            finally:
                over.set()

    @property
    def bounded(self) -> bool:
        """Whether the kernel keeps the bounds, by cgroup."""
        return bool(homes_of(self.bench.driver.launcher_pid or 0))

    @property
    def of_root(self) -> bool:
        """Whether every template has a user of its own."""
        return outside.of_root(self.bench.driver.launcher_pid or 0)

    @property
    def templates(self) -> list[ProcessTemplate]:
        """Those that live on from one test to the next."""
        return [self._neighbour, *self._templates.values()]

    async def close(self) -> None:
        for template in self._templates.values():
            await self.bench.driver.discard(template)

    def source(self, *parts: str) -> str:
        folder = PROGRAMS / self.bench.language.name
        return "".join(next(folder.glob(f"{part}.*")).read_text() for part in parts)

    async def run(self, template: ProcessTemplate, event: Any, timeout_ms: int = LONG_MS) -> Tried:
        """One run of a template, from clone to kill."""
        instance = await self.bench.driver.clone(template, anew())
        ear = Ear()
        order = Order(
            run_id="r", event=json.dumps(event).encode(), timeout_ms=timeout_ms, output_limit=OUTPUT_LIMIT
        )
        try:
            outcome = await Run(instance, order, ear, SystemClock()).drive()
        finally:
            ended = await instance.kill()
        cause = Cause.oom if ended.oom and outcome.cause is not Cause.ok else outcome.cause
        detail = outcome.error or outcome.detail
        return Tried(cause, _value(outcome), detail, template.warnings, outcome.code or 0, ear.heard)

    async def _neighbour_works(self, over: asyncio.Event) -> None:
        """Once at least, and again until `over`."""
        count = 0
        while count == 0 or not over.is_set():
            count += 1
            ran = await self.bench.run(self._neighbour, "echo", value=count)
            assert ran.output == count, ran
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), 0.02)

    async def _at_load(self, program: str, escape: str, limits: Limits, timeout_ms: int, given: Any) -> Tried:
        return await self.loaded(self._loading(program, escape, limits, timeout_ms, given), timeout_ms)

    async def loaded(self, spec: TemplateSpec, timeout_ms: int = LONG_MS) -> Tried:
        """How a template fails, or else its first run."""
        template = None
        try:
            template = await self.bench.driver.template(spec)
            return await self.run(template, {}, timeout_ms)
        except LoadFailed as failed:
            code = (failed.error or {}).get("code") or 0
            return Tried(failed.cause, None, failed.error, (), code, sum(len(f.payload) for f in failed.output))
        except StillBorn as stillborn:  # of which the pool, after a second try, says who is to blame
            return Tried("still born", None, str(stillborn))
        except DriverFault as fault:
            return Tried(FAULT, None, str(fault))
        finally:
            if template:
                await self.bench.driver.discard(template)

    def _loading(self, program: str, escape: str, limits: Limits, timeout_ms: int, given: Any) -> TemplateSpec:
        environment = {**ENVIRONMENT, "ESCAPE": escape, "GIVEN": json.dumps(given)}
        source = self.source("prelude", program, "at_load")
        return self.bench.spec_of(f"{program}-at-load", source, limits, timeout_ms, environment)

    async def _in_run(self, program: str, escape: str, limits: Limits, timeout_ms: int, given: Any) -> Tried:
        template = self._templates.get((program, limits))
        if template and not template.alive:  # an earlier escape has ended it
            await self.bench.driver.discard(template)
            template = None
        if template is None:
            spec = self.bench.spec_of(f"{program}-in-run", self.source("prelude", program, "in_run"), limits)
            template = self._templates[program, limits] = await self.bench.driver.template(spec)
        return await self.run(template, {"escape": escape, "given": given}, timeout_ms)


def _value(outcome: Outcome) -> Any:
    return json.loads(outcome.output) if outcome.output is not None else None
