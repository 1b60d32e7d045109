"""The lifecycle steps that a type's runtime.yaml may name. An unknown name fails the load of chemistry."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

from triform.executor import traced
from triform.executor.passage import Passage
from triform.runs.model import Run, Status

if TYPE_CHECKING:
    from triform.executor.house import Hook, House

_log = structlog.get_logger()


async def validate_source(passage: Passage, run: Run | None, house: "House") -> None:
    """A version stored under older rules is held against today's before it runs; once per version."""
    await house.rules.check(passage.call)


async def require_deployed(passage: Passage, run: Run | None, house: "House") -> None:
    """What runs versions by environment runs none whose requirements have not been deployed."""
    if passage.call.operation.has_env:
        await house.elements.ensure_deployed(passage.call)


async def record_metrics(passage: Passage, run: Run | None, house: "House") -> None:
    """The type's own metrics take in a finished run."""
    if run is not None:
        house.metrics.observe(passage.call.type.name, run)


async def record_error_metric(passage: Passage, run: Run | None, house: "House") -> None:
    """The type's error rate learns of a failure."""
    if run is not None:
        house.metrics.failed(passage.call.type.name, run)


async def emit_traces(passage: Passage, run: Run | None, house: "House") -> None:
    """The operation's span gets what only the end of the run tells."""
    if run is not None and house.tracing.recording:
        house.tracing.tell(traced.of_ended(run))


async def log_error(passage: Passage, run: Run | None, house: "House") -> None:
    """One log line per failed run: ids and code, never a message, which may quote user data."""
    if run is not None and run.status is Status.failed and run.failure is not None:
        _log.info("run_failed", run_id=str(run.run_id), element=passage.call.element.path, code=run.failure.code)


HOOKS: Mapping[str, "Hook"] = {
    "validate_source": validate_source,
    "require_deployed": require_deployed,
    "record_metrics": record_metrics,
    "record_error_metric": record_error_metric,
    "emit_traces": emit_traces,
    "log_error": log_error,
}
