"""User code, carried out in sandboxes: what the executor sees of all this."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from prometheus_client import Metric

from triform.errors import PlatformFault, Suggestion, TriformError
from triform.observability.heartbeat import Heartbeat
from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.model import Ended
from triform.substrates.interfaces import RunContext
from triform.substrates.isolation.deploy import Deploy
from triform.substrates.isolation.figures import of_sandboxes
from triform.substrates.isolation.guard import GuardedDriver
from triform.substrates.isolation.interfaces import Capabilities
from triform.substrates.isolation.invoke import Invoke
from triform.substrates.isolation.plan import DEFAULT_HANDLER, Images, Planner
from triform.substrates.isolation.pool import Pool
from triform.substrates.isolation.source_check import Code, Findings, SourceChecker

_UNPROBED = Capabilities(driver="", available=False, strength="", why_not="not started")


class IsolationSubstrate:
    """`Substrate` over one driver. `start` probes it and keeps the pool; `stop` leaves nothing behind."""

    def __init__(
        self,
        *,
        driver: GuardedDriver,
        pool: Pool,
        planner: Planner,
        images: Images,
        checker: SourceChecker,
        invoke: Invoke,
        deploy: Deploy,
    ) -> None:
        self._driver = driver
        self._pool = pool
        self._planner = planner
        self._images = images
        self._checker = checker
        self._performers: Mapping[str, Callable[[Call, RunContext], Awaitable[Ended]]] = {
            "invoke": invoke,
            "deploy": deploy,
        }
        self._answers: Mapping[str, Callable[[Call], Awaitable[Reply]]] = {
            "validate_source": self._validate_source,
            "diagnostics": self._diagnostics,
        }
        self._capabilities = _UNPROBED

    async def start(self) -> Capabilities:
        """What the driver can do here; raises DriverFault when it cannot be started."""
        await self._driver.start()
        self._capabilities = await self._driver.probe()
        await self._pool.start()
        return self._capabilities

    async def stop(self) -> None:
        await self._pool.stop()
        await self._driver.stop()

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def heartbeat(self) -> Heartbeat:
        """Of what keeps the pool."""
        return self._pool.beat

    def shown(self) -> Iterable[Metric]:
        """What the sandboxes show of themselves on /metrics."""
        return of_sandboxes(self._pool, self._driver.counts)

    async def perform(self, call: Call, context: RunContext) -> Ended:
        return await self._performers[call.operation.implementation](call, context)

    async def answer(self, call: Call) -> Reply:
        return await self._answers[call.operation.implementation](call)

    async def _validate_source(self, call: Call) -> Reply:
        code = Code(call.type, self._planner.language(call.type), call.input["source"]["code"])
        findings = await self._checker.look(code, call.input.get("handler") or DEFAULT_HANDLER)
        errors = _problems(findings)
        return Reply({"valid": not errors, "errors": errors})

    async def _diagnostics(self, call: Call) -> Reply:
        """Reachable means: a sandbox ran something just now."""
        problem = await self._trouble(call)
        capabilities = self._capabilities
        return Reply(
            {
                "isolation_reachable": problem is None,
                "worker_available": capabilities.available and problem is None,
                "last_error": problem or self._driver.last_fault or None,
                "driver": capabilities.driver or None,
                "strength": capabilities.strength or None,
                "weaknesses": list(capabilities.weaknesses),
                "runtime_image": self._image(call),
            }
        )

    async def _trouble(self, call: Call) -> str | None:
        try:
            self._require_driver()
            await self._checker.prove(self._planner.language(call.type))
        except TriformError as error:
            return error.message
        return None

    async def ready(self) -> None:
        """Runs something in every language. Raises a TriformError that says what is missing."""
        self._require_driver()
        for language in self._planner.languages.values():
            await self._checker.prove(language)

    def _require_driver(self) -> None:
        able = self._capabilities
        if not able.available:
            raise PlatformFault(
                f"No sandbox can be started here: {able.why_not}",
                suggestion=Suggestion(why=able.why_not, fix=able.fix or "Run `triform doctor`.", op="diagnostics"),
            )

    def _image(self, call: Call) -> str | None:
        try:
            return self._images.find(self._planner.language(call.type), call.element.runtime_image).digest
        except TriformError:
            return None


def _problems(findings: Findings) -> list[dict[str, Any]]:
    if findings.errors:
        return [{"line": at.line, "column": at.column, "message": at.message} for at in findings.errors]
    if findings.handler_found:
        return []
    return [{"line": None, "column": None, "message": text} for text in findings.warnings]
