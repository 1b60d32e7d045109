"""The W3C `traceparent` header: where a trace is.

traceparent: 00-<32 hex trace id>-<16 hex span id>-<2 hex flags>
"""

import re
from dataclasses import dataclass

from opentelemetry.trace import SpanContext, TraceFlags

_HEADER = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 0x01


@dataclass(frozen=True, slots=True)
class TraceParent:
    """Ids in lower-case hex, never all zeros. `sampled`: whoever sent it may have recorded the trace."""

    trace_id: str
    span_id: str
    sampled: bool = True

    def header(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"

    def remote_context(self) -> SpanContext:
        """The same as OpenTelemetry has it, come from elsewhere."""
        flags = TraceFlags(_SAMPLED if self.sampled else 0)
        return SpanContext(int(self.trace_id, 16), int(self.span_id, 16), is_remote=True, trace_flags=flags)


def parse_traceparent(header: str | None) -> TraceParent | None:
    """None for a header that is absent or not valid: the caller then begins a new trace."""
    match = _HEADER.fullmatch((header or "").strip())
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceParent(trace_id, span_id, sampled=bool(int(flags, 16) & _SAMPLED))


def of_context(context: SpanContext) -> TraceParent:
    return TraceParent(f"{context.trace_id:032x}", f"{context.span_id:016x}", context.trace_flags.sampled)
