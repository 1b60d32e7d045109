"""Traces: one span per operation, `ops.execute`, with children for the stages of a run.

accepting   ops.execute ── commit.accept
running     ops.execute ── queue, cold_start, handler, commit.end     (the same span for a caller who waits)
"""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.environment_variables import OTEL_SERVICE_NAME
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import Link, NonRecordingSpan, SpanKind

from triform import __version__
from triform.observability.export import Export
from triform.observability.spans import (
    UNRECORDED,
    Attributes,
    OperationSpan,
    RecordedSpan,
    RecordedStage,
    Stage,
    fail,
    only_ids,
)
from triform.observability.traceparent import TraceParent, parse_traceparent

SPAN_NAME = "ops.execute"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Tracing:
    """Without a provider spans only carry ids, which costs next to nothing."""

    def __init__(self, provider: TracerProvider | None = None, exports: Sequence[Export] = ()) -> None:
        self.exports = tuple(exports)
        """What is told about the exporting itself; a metrics reader takes their figures."""
        self._provider = provider
        self._tracer = provider.get_tracer("triform", __version__) if provider else None

    def operation(self, traceparent: str | None, attributes: Attributes | None = None) -> OperationSpan:
        """The span `ops.execute`, a child of `traceparent` when that is valid, else the root of a new trace."""
        return self._begin(parse_traceparent(traceparent), SpanKind.SERVER, attributes)

    def execution(self, accepted: str | None, attributes: Attributes | None = None) -> OperationSpan:
        """The same for a run that goes on after its caller was answered, linked to the span that accepted it."""
        return self._begin(parse_traceparent(accepted), SpanKind.CONSUMER, attributes, linked=True)

    def _begin(
        self, parent: TraceParent | None, kind: SpanKind, attributes: Attributes | None, *, linked: bool = False
    ) -> OperationSpan:
        if self._tracer is None:
            return only_ids(parent)
        links = [Link(parent.remote_context())] if linked and parent else []
        context = _context(parent)
        return RecordedSpan(
            self._tracer.start_span(SPAN_NAME, context=context, kind=kind, attributes=attributes, links=links)
        )

    def stage(self, name: str, attributes: Attributes | None = None) -> Stage:
        """A child of the operation that is going on, for the length of a `with` block."""
        if self._tracer is None or not trace.get_current_span().is_recording():
            return UNRECORDED
        return RecordedStage(self._tracer.start_span(name, attributes=attributes))

    def record(
        self, name: str, begin: datetime, end: datetime, attributes: Attributes | None = None, code: str = ""
    ) -> None:
        """A child that was measured elsewhere and is over; `code` is how it failed."""
        if self._tracer is None or not trace.get_current_span().is_recording():
            return
        span = self._tracer.start_span(name, start_time=_ns(begin), attributes=attributes)
        if code:
            fail(span, code)
        span.end(_ns(end))

    def tell(self, attributes: Attributes) -> None:
        """More facts of the operation that is going on."""
        trace.get_current_span().set_attributes(attributes)

    @property
    def recording(self) -> bool:
        """Whether anything is exported at all."""
        return self._tracer is not None

    def shutdown(self) -> None:
        """Exports what is left, within the bounds of the processors."""
        if self._provider is not None:
            self._provider.shutdown()


def configure_tracing(service_name: str, processors: Sequence[SpanProcessor] = ()) -> Tracing:
    """Spans go to `processors`. `OTEL_*` variables for sampling and for the resource are honoured."""
    if not processors:
        return Tracing()
    provider = TracerProvider(resource=_resource(service_name), shutdown_on_exit=False)
    for processor in processors:
        provider.add_span_processor(processor)
    return Tracing(provider, [processor for processor in processors if isinstance(processor, Export)])


def _resource(service_name: str) -> Resource:
    """What the environment says about this service wins over what we would say."""
    detected = Resource.create({SERVICE_VERSION: __version__})
    named = OTEL_SERVICE_NAME in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return detected if named else detected.merge(Resource({SERVICE_NAME: service_name}))


def _context(parent: TraceParent | None) -> Context:
    """An explicit context, so that no surrounding span becomes the parent by accident."""
    if parent is None:
        return Context()
    return trace.set_span_in_context(NonRecordingSpan(parent.remote_context()), Context())


def _ns(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND * 1000
