"""Makes a version ready to run: source looked at, template warm, the pin recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from triform.circles.model import Actor
from triform.clock import Clock
from triform.elements.model import Deployment, Element
from triform.errors import Failure, TriformError
from triform.runs.call import Call
from triform.runs.model import Ended, Usage
from triform.substrates.interfaces import RunContext
from triform.substrates.isolation import failures
from triform.substrates.isolation.interfaces import DriverFault, LoadFailed, Template
from triform.substrates.isolation.invoke import write_output
from triform.substrates.isolation.plan import Plan, Planner
from triform.substrates.isolation.pool import Pool
from triform.substrates.isolation.source_check import SourceChecker, syntax_failure

NO_BUNDLE: Mapping[str, Any] = {"digest": None, "bytes": 0, "gems": [], "cached": False}
"""What an element without dependencies has."""


class Deployments(Protocol):
    """Keeps what a deploy pinned; the element becomes `deployed`."""

    async def record(
        self, element: Element, deployment: Deployment, actor: Actor, *, trace_id: str = ""
    ) -> bool: ...


class Refused(Exception):
    """The deploy ends here, with this failure."""

    def __init__(self, failure: Failure, usage: Usage | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.usage = usage or Usage()


@dataclass(frozen=True, slots=True)
class Deploy:
    """The operation that prepares the present version. Repeating it is harmless."""

    planner: Planner
    checker: SourceChecker
    pool: Pool
    deployments: Deployments
    clock: Clock
    driver: str

    async def __call__(self, call: Call, context: RunContext) -> Ended:
        try:
            return await self._deploy(call, context)
        except Refused as refused:
            return Ended(failure=refused.failure, usage=refused.usage, isolation=self.driver)
        except TriformError as error:
            return Ended(failure=error.failure(), isolation=self.driver)

    async def _deploy(self, call: Call, context: RunContext) -> Ended:
        began = self.clock.monotonic()
        plan = self.planner.plan(call)
        await self._check(call, plan)
        checked = self.clock.monotonic()
        template = await self._warm(plan, context)
        warmed = self.clock.monotonic()
        await self._record(call, plan, context)
        timings = {
            "check_ms": round((checked - began) * 1000, 3),
            "warm_ms": round((warmed - checked) * 1000, 3),
            "load_ms": round(template.load_ms, 3),
        }
        return Ended(
            output=_answer(context, template, timings),
            usage=Usage(duration_ms=(warmed - began) * 1000),
            handler_started=True,
            isolation=self.driver,
        )

    async def _check(self, call: Call, plan: Plan) -> None:
        language = self.planner.language(call.type)
        source = call.type.limits_of(call.element.spec).source.get("code") or ""
        findings = await self.checker.look(language, source, plan.template.handler)
        if findings.errors:
            raise Refused(syntax_failure(call.type, language, findings, source))

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

    async def _record(self, call: Call, plan: Plan, context: RunContext) -> None:
        deployment = Deployment(
            version=call.element.version,
            deploy_id=context.run_id,
            runtime_image=plan.image,
            lock=None,
            bundle=None,
            created_at=self.clock.now(),
        )
        await self.deployments.record(call.element, deployment, call.principal.actor)


def _answer(context: RunContext, template: Template, timings: Mapping[str, float]) -> bytes:
    answer: dict[str, Any] = {
        "deploy_id": str(context.run_id),
        "status": "deployed",
        "lock": None,
        "bundle": NO_BUNDLE,
        "timings": timings,
    }
    if template.warnings:
        answer["warnings"] = list(template.warnings)
    return msgspec.json.encode(answer)
