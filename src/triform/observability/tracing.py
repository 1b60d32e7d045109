"""Traces: the W3C `traceparent` header in and out, and the one span an operation has, `ops.execute`.

traceparent: 00-<32 hex trace id>-<16 hex span id>-<2 hex flags>
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import AttributeValue

SPAN_NAME = "ops.execute"

_HEADER = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 0x01


@dataclass(frozen=True, slots=True)
class TraceParent:
    """Where a trace is: ids in lower-case hex, never all zeros."""

    trace_id: str
    span_id: str
    sampled: bool = True

    def header(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"


def parse_traceparent(header: str | None) -> TraceParent | None:
    """None for a header that is absent or not valid: the caller then begins a new trace."""
    match = _HEADER.fullmatch((header or "").strip())
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceParent(trace_id, span_id, sampled=bool(int(flags, 16) & _SAMPLED))


class OperationSpan:
    """The span of one operation while it lasts."""

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def trace_id(self) -> str:
        return self.parent.trace_id

    @property
    def parent(self) -> TraceParent:
        """This span as the parent of what it calls; `.header()` is the answer's `traceparent`."""
        context = self._span.get_span_context()
        return TraceParent(f"{context.trace_id:032x}", f"{context.span_id:016x}", context.trace_flags.sampled)

    def set(self, attributes: Mapping[str, AttributeValue]) -> None:
        self._span.set_attributes(attributes)

    def failed(self, code: str) -> None:
        """The operation's typed error; never a message, which may quote what a user sent."""
        self._span.set_status(Status(StatusCode.ERROR, code))
        self._span.set_attribute("error.type", code)


class Tracing:
    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("triform")

    @contextmanager
    def operation(
        self, traceparent: str | None, attributes: Mapping[str, AttributeValue] | None = None
    ) -> Iterator[OperationSpan]:
        """The span `ops.execute`, a child of `traceparent` when that is valid, else the root of a new trace."""
        span = self._tracer.start_span(
            SPAN_NAME,
            context=_context(parse_traceparent(traceparent)),
            kind=SpanKind.SERVER,
            attributes=attributes,
        )
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            yield OperationSpan(span)

    def shutdown(self) -> None:
        """Exports what is left."""
        self._provider.shutdown()


def configure_tracing(service_name: str, processors: Sequence[SpanProcessor] = ()) -> Tracing:
    """Spans go to `processors`; without any they only carry ids. `OTEL_*` variables for sampling are honoured."""
    provider = TracerProvider(resource=Resource.create({"service.name": service_name}), shutdown_on_exit=False)
    for processor in processors:
        provider.add_span_processor(processor)
    return Tracing(provider)


def _context(parent: TraceParent | None) -> Context:
    """An explicit context, so that no surrounding span becomes the parent by accident."""
    if parent is None:
        return Context()
    remote = SpanContext(
        int(parent.trace_id, 16),
        int(parent.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(_SAMPLED if parent.sampled else 0),
    )
    return trace.set_span_in_context(NonRecordingSpan(remote), Context())
