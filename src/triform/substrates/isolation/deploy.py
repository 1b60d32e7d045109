"""Makes a version ready to run: source looked at, gems bundled, template warm, the pin recorded."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

import msgspec

from triform.circles.model import Actor
from triform.clock import Clock
from triform.elements.code_source import GIT, INLINE, CodeSource, code_source, origin_of
from triform.elements.model import Deployment, Element
from triform.elements.specs import requirements_of
from triform.errors import Failure, TriformError
from triform.runs.call import Call
from triform.runs.model import Ended, Usage
from triform.substrates.interfaces import RunContext
from triform.substrates.isolation import failures
from triform.substrates.isolation.checkouts import Placed
from triform.substrates.isolation.gems import explain, requirements
from triform.substrates.isolation.gems.bundles import Bundles, Obtained, Wanted
from triform.substrates.isolation.gems.errors import NotBuilt, SourceTrouble, Unresolved
from triform.substrates.isolation.interfaces import DriverFault, LoadFailed, Template
from triform.substrates.isolation.invoke import write_output
from triform.substrates.isolation.plan import DEFAULT_HANDLER, Image, Plan, Planner
from triform.substrates.isolation.pool import Pool
from triform.substrates.isolation.source_check import Code, SourceChecker, syntax_failure

NO_BUNDLE: Mapping[str, Any] = {"digest": None, "bytes": 0, "gems": [], "cached": False}
"""What an element without dependencies has."""

Answer = TypeVar("Answer")


class Deployments(Protocol):
    """Keeps what a deploy pinned; the element becomes `deployed`."""

    async def ensure_free(self, element: Element, commit: str) -> None:
        """Raises VersionPromoted where runs of other environments would change with another commit."""

    async def record(
        self, element: Element, deployment: Deployment, actor: Actor, *, trace_id: str = ""
    ) -> bool: ...


class Fetching(Protocol):
    """Brings code of another repository into the element's own."""

    async def fetch(
        self,
        element: Element,
        source: CodeSource,
        free: Callable[[str], Awaitable[None]],
        told: Callable[[str], None],
    ) -> str:
        """The commit, all there. `free` is asked before anything is brought, and may refuse by raising; `told`
        hears of progress.

        Raises SourceNotFetched, SourceUnreachable, SourceRefused, SourceTooLarge, SourceUnavailable, NotFound.
        """


class Refused(Exception):
    """The deploy ends here, with this failure."""

    def __init__(self, failure: Failure, usage: Usage | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.usage = usage or Usage()


class Cancelled(Exception):
    """Somebody called the deploy off."""


@dataclass(slots=True)
class _Steps:
    """What has been done so far, and how long each step took, in ms."""

    began: float
    timings: dict[str, float] = field(default_factory=dict)
    obtained: Obtained | None = None
    fetched: str | None = None


@dataclass(frozen=True, slots=True)
class Deploy:
    """The operation that prepares the present version. Repeating it is harmless."""

    planner: Planner
    checker: SourceChecker
    pool: Pool
    bundles: Bundles
    fetching: Fetching
    deployments: Deployments
    clock: Clock
    driver: str
    timeout_ms: int

    async def __call__(self, call: Call, context: RunContext) -> Ended:
        try:
            async with asyncio.timeout(self.timeout_ms / 1000):
                return await _unless_cancelled(self._deploy(call, context), context)
        except Refused as refused:
            return Ended(failure=refused.failure, usage=refused.usage, isolation=self.driver)
        except Cancelled:
            return Ended(cancelled=True, isolation=self.driver)
        except TimeoutError:
            failure = failures.too_slow(call.type, f"The deploy was not done within {self.timeout_ms} ms.")
            return Ended(failure=failure, isolation=self.driver)
        except TriformError as error:
            return Ended(failure=error.failure(), isolation=self.driver)

    async def _deploy(self, call: Call, context: RunContext) -> Ended:
        steps, image = _Steps(self.clock.monotonic()), self.planner.image(call)
        steps.fetched = await self._fetch(call, steps, context)
        with self._timed(steps, "check_ms"):
            placed = await self.planner.placed(call, steps.fetched)
            await self._check(call, placed)
        steps.obtained = await self._obtain(call, image, context)
        if steps.obtained:
            steps.timings |= steps.obtained.timings
        bundle = steps.obtained.bundle if steps.obtained else None
        plan = self.planner.plan_deploy(call, placed, image, bundle)
        with self._timed(steps, "warm_ms"):
            template = await self._warm(plan, context)
        steps.timings["load_ms"] = round(template.load_ms, 3)
        took = (self.clock.monotonic() - steps.began) * 1000
        await self._record(call, plan, steps, context)
        return Ended(
            output=_answer(call, plan, context, template, steps),
            usage=Usage(duration_ms=took),
            handler_started=True,
            isolation=self.driver,
        )

    async def _fetch(self, call: Call, steps: _Steps, context: RunContext) -> str | None:
        """The commit of code in another repository; None where the code is the element's own."""
        source = code_source(call.type, call.element.spec)
        if source is None or source.kind != GIT:
            return None
        free = partial(self.deployments.ensure_free, call.element)
        with self._timed(steps, "source_ms"):
            return await self.fetching.fetch(
                call.element, source, free, lambda text: context.progress(None, text, None)
            )

    async def _check(self, call: Call, placed: Placed) -> None:
        language, asked = self.planner.language(call.type), call.type.limits_of(call.element.spec)
        text = await asyncio.to_thread((placed.folder / placed.entry).read_text, errors="replace")
        source = code_source(call.type, call.element.spec)
        inline = source is None or source.kind == INLINE
        code = Code(call.type, language, text, None if inline else placed.entry)
        findings = await self.checker.look(code, asked.handler or DEFAULT_HANDLER)
        if findings.errors:
            raise Refused(syntax_failure(code, findings))

    async def _obtain(self, call: Call, image: Image, context: RunContext) -> Obtained | None:
        """The bundle of what the source requires; None when it requires nothing."""
        entries = explain.entries_of(call.type.limits_of(call.element.spec).source)
        if not entries:
            return None
        wanted = requirements.read(entries).requirements
        language = self.planner.language(call.type)
        try:
            return await self.bundles.obtain(Wanted(language, image, wanted), context)
        except (Unresolved, SourceTrouble, NotBuilt) as error:
            raise Refused(explain.failure(explain.Asked(call.type, entries), error)) from error
        except DriverFault as fault:
            raise Refused(failures.platform_fault(str(fault))) from fault

    async def _warm(self, plan: Plan, context: RunContext) -> Template:
        try:
            template = await self.pool.warm(plan.template)
        except LoadFailed as failed:
            write_output(failed.output, context)
            raise Refused(failures.of_load(failed, plan), Usage(duration_ms=failed.ms)) from failed
        except DriverFault as fault:
            raise Refused(failures.platform_fault(str(fault))) from fault
        write_output(template.load_output, context)
        return template

    async def _record(self, call: Call, plan: Plan, steps: _Steps, context: RunContext) -> None:
        obtained = steps.obtained
        deployment = Deployment(
            version=call.element.version,
            deploy_id=context.run_id,
            runtime_image=plan.image,
            lock=obtained.bundle.contents.lock if obtained else None,
            bundle=obtained.bundle.digest if obtained else None,
            created_at=self.clock.now(),
            requirements=requirements_of(call.type, call.element.spec),
            fetched_from=origin_of(call.type, call.element.spec),
            fetched_commit=steps.fetched,
        )
        await self.deployments.record(call.element, deployment, call.principal.actor)

    @contextlib.contextmanager
    def _timed(self, steps: _Steps, name: str) -> Iterator[None]:
        began = self.clock.monotonic()
        yield
        steps.timings[name] = round((self.clock.monotonic() - began) * 1000, 3)


async def _unless_cancelled(work: Coroutine[Any, Any, Answer], context: RunContext) -> Answer:
    """Raises Cancelled once cancellation is asked for; nothing of the work goes on then."""
    task, cancelled = asyncio.create_task(work), asyncio.create_task(context.cancelled())
    try:
        await asyncio.wait({task, cancelled}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Cancelled
        return task.result()
    finally:
        cancelled.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


def _answer(call: Call, plan: Plan, context: RunContext, template: Template, steps: _Steps) -> bytes:
    answer: dict[str, Any] = {
        "deploy_id": str(context.run_id),
        "status": "deployed",
        "source": _source(call, plan, steps),
        "lock": steps.obtained.bundle.contents.lock if steps.obtained else None,
        "bundle": _bundle(steps.obtained) if steps.obtained else NO_BUNDLE,
        "timings": steps.timings,
    }
    if template.warnings:
        answer["warnings"] = list(template.warnings)
    return msgspec.json.encode(answer)


def _source(call: Call, plan: Plan, steps: _Steps) -> Mapping[str, Any]:
    source = code_source(call.type, call.element.spec) or CodeSource(INLINE)
    return {
        "type": source.kind,
        "path": plan.template.entry,
        "repository": source.repository or None,
        "ref": source.ref,
        "commit": steps.fetched or call.element.commit,
    }


def _bundle(obtained: Obtained) -> Mapping[str, Any]:
    contents = obtained.bundle.contents
    return {
        "digest": obtained.bundle.digest,
        "bytes": contents.bytes,
        "gems": list(contents.gems),
        "cached": obtained.cached,
    }
