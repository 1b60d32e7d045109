"""Structured logs, one line per event on standard error: `structlog.get_logger().info("run_ended", run_id=…)`.

Events are `lower_case_words`; facts are fields. The standard library's loggers (uvicorn, asyncio) come out the
same way. Times are RFC 3339 in UTC with microseconds; exceptions are rendered without local variables.
"""

import logging
import sys
from collections.abc import MutableMapping, Sequence
from typing import Any, Literal, TextIO

import structlog
from structlog.types import Processor

from triform.clock import Clock, SystemClock, rfc3339
from triform.observability.redaction import redact

_THROUGH_ROOT = ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio")

Format = Literal["auto", "json", "text"]


def configure_logging(
    level: str = "info", form: Format = "auto", *, stream: TextIO | None = None, clock: Clock | None = None
) -> None:
    """Call once, at start (again replaces it). `auto` is text on a terminal, else json. Run uvicorn with
    `log_config=None`, so that it leaves this alone."""
    out = stream or sys.stderr
    least = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _Stamp(clock or SystemClock()),
        redact,
    ]
    ending = _ending(text=form == "text" or (form == "auto" and out.isatty()), colors=out.isatty())
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    _standard_library(out, least, shared, ending)


class _Stamp:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["at"] = rfc3339(self._clock.now())
        return event


def _ending(*, text: bool, colors: bool) -> list[Processor]:
    """The last processors. Exceptions are turned to text, and only then cleaned of logins in URLs."""
    if text:
        render: Processor = structlog.dev.ConsoleRenderer(
            colors=colors, timestamp_key="at", exception_formatter=structlog.dev.plain_traceback
        )
    else:
        render = structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
    return [structlog.processors.format_exc_info, redact, render]


def _standard_library(out: TextIO, least: int, shared: Sequence[Processor], ending: Sequence[Processor]) -> None:
    handler = _Handler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _name_of_logger],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [other for other in root.handlers if not isinstance(other, _Handler)] + [handler]
    root.setLevel(max(least, logging.INFO))  # Libraries' debug lines hold payloads.
    for name in _THROUGH_ROOT:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, to be told from handlers that others put on the root."""


def _name_of_logger(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record = event.get("_record")
    if record is not None:
        event["logger"] = record.name
    return event
