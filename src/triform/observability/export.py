"""Where spans go: an OTLP/HTTP collector, as the standard `OTEL_*` variables say.

    on_end ──► bounded queue ──► one thread: batch, encode, POST ──► collector

A run only ever appends to the queue. When the collector is slow, hangs or is gone, the queue fills and further
spans are dropped and counted; nothing waits.
"""

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span

_log = structlog.get_logger()

FLUSH_S = 5.0
"""How long a shutdown waits for the collector."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HTTP = "http/protobuf"
_LONGEST_QUEUE = 2048
_BATCH = 64
"""Small, unless the environment says otherwise: encoding holds the interpreter, some 3 ms for so many."""


@dataclass(slots=True)
class ExportFigures:
    """Spans since the start; a metrics reader takes them as they are."""

    exported: int = 0
    failed: int = 0
    dropped: int = 0


class Export(SpanProcessor):
    """The SDK's batch processor, held to its bounds: a full queue drops in silence, a shutdown ends."""

    def __init__(
        self, exporter: SpanExporter, most_waiting: int = _LONGEST_QUEUE, flush_s: float = FLUSH_S
    ) -> None:
        self.figures = ExportFigures()
        self._counted = _Counted(exporter, self.figures)
        self._batches = _batches(self._counted, most_waiting)
        self._most_waiting = most_waiting
        self._flush_s = flush_s
        self._entered = 0

    def on_start(self, span: "Span", parent_context: "Context | None" = None) -> None:
        return None

    def on_end(self, span: ReadableSpan) -> None:
        if not span.context.trace_flags.sampled:
            return
        if self._entered - self._counted.taken >= self._most_waiting:
            self.figures.dropped += 1
            return
        self._entered += 1
        self._batches.on_end(span)

    def shutdown(self) -> None:
        """Sends what waits; whatever the collector does, it returns within the bound."""
        flushing = threading.Thread(target=self._batches.shutdown, name="flush spans", daemon=True)
        flushing.start()
        flushing.join(self._flush_s)
        if flushing.is_alive():
            _log.warning("spans_not_flushed", waiting=self._entered - self._counted.taken)

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        return self._batches.force_flush(timeout_millis)


class _Counted(SpanExporter):
    """Counts what is taken from the queue, and what became of it."""

    def __init__(self, exporter: SpanExporter, figures: ExportFigures) -> None:
        self._exporter = exporter
        self._figures = figures
        self.taken = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += len(spans)
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._figures.exported += len(spans)
        else:
            self._figures.failed += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def exports(environment: Mapping[str, str] = os.environ) -> tuple[Export, ...]:
    """What the environment asks for: nothing unless a collector is named or `OTEL_TRACES_EXPORTER=otlp`."""
    if not wanted(environment):
        return ()
    # Only who exports pays for these imports.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    try:
        return (Export(OTLPSpanExporter(), _positive(environment, "OTEL_BSP_MAX_QUEUE_SIZE", _LONGEST_QUEUE)),)
    except ValueError as error:  # Telemetry that cannot be set up is no reason not to serve.
        _warn("OTEL_*", str(error), "a value the OpenTelemetry specification knows")
        return ()


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether spans are to be exported. What cannot be followed is said in the log, and nothing is exported."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    chosen = [name.strip() for name in environment.get("OTEL_TRACES_EXPORTER", "").split(",") if name.strip()]
    asked = "otlp" in chosen if chosen else bool(_first(environment, _ENDPOINTS))
    if [name for name in chosen if name not in ("otlp", "none")]:
        _warn("OTEL_TRACES_EXPORTER", environment["OTEL_TRACES_EXPORTER"], "otlp")
    protocol = _first(environment, _PROTOCOLS) or _HTTP
    if asked and protocol != _HTTP:
        _warn("OTEL_EXPORTER_OTLP_PROTOCOL", protocol, _HTTP)
        return False
    return asked


def _first(environment: Mapping[str, str], names: Sequence[str]) -> str:
    return next((environment[name].strip() for name in names if environment.get(name, "").strip()), "")


def _batches(exporter: SpanExporter, most_waiting: int) -> BatchSpanProcessor:
    """A batch never exceeds the queue, whatever the variables say."""
    batch = _positive(os.environ, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", _BATCH)
    return BatchSpanProcessor(
        exporter, max_queue_size=most_waiting, max_export_batch_size=min(batch, most_waiting)
    )


def _positive(environment: Mapping[str, str], name: str, otherwise: int) -> int:
    told = environment.get(name, "").strip()
    return int(told) if told.isdigit() and int(told) else otherwise


def _warn(variable: str, value: str, fix: str) -> None:
    _log.warning("telemetry_setting_unknown", variable=variable, value=value[:60], fix=f"set it to {fix}")
