"""Spans as the platform uses them: an operation's own, and the stages it goes through.

Where nobody records, an operation is its ids and a stage is nothing at all.
"""

import random
from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self

from opentelemetry import context, trace
from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from triform.observability.traceparent import TraceParent, of_context

Attributes = Mapping[str, AttributeValue]


class Stage(Protocol):
    """A part of an operation while it lasts."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class OperationSpan:
    """The span of one operation while it lasts; use it in `with`. This one only carries ids."""

    def __init__(self, parent: TraceParent) -> None:
        self.parent = parent
        """This span as the parent of what it calls; `.header()` is the answer's `traceparent`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    @property
    def trace_id(self) -> str:
        return self.parent.trace_id

    def set(self, attributes: Attributes) -> None:
        """Facts of the operation; never what users sent or said."""

    def failed(self, code: str) -> None:
        """The operation's typed error; never a message, which may quote what a user sent."""


class RecordedSpan(OperationSpan):
    """One that is exported; the current span of whatever begins inside it."""

    def __init__(self, span: Span) -> None:
        super().__init__(of_context(span.get_span_context()))
        self._span = span

    def __enter__(self) -> Self:
        self._token = context.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        context.detach(self._token)
        self._span.end()

    def set(self, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)

    def failed(self, code: str) -> None:
        fail(self._span, code)


class RecordedStage:
    """A child that is exported. What breaks it off is told by the name of its class alone."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            fail(self._span, kind.__name__)
        self._span.end()


class Unrecorded:
    """A stage nobody records."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


UNRECORDED = Unrecorded()


def fail(span: Span, code: str) -> None:
    span.set_status(Status(StatusCode.ERROR, code))
    span.set_attribute("error.type", code)


def only_ids(parent: TraceParent | None) -> OperationSpan:
    """A span without a record: the caller's trace goes on, else a new one begins that says it is not sampled."""
    span_id = f"{random.getrandbits(64) or 1:016x}"
    if parent is not None:
        return OperationSpan(TraceParent(parent.trace_id, span_id, parent.sampled))
    return OperationSpan(TraceParent(f"{random.getrandbits(128) or 1:032x}", span_id, sampled=False))
