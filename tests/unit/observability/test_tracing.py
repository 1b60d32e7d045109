from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from triform.observability.traceparent import TraceParent, parse_traceparent
from triform.observability.tracing import Tracing, configure_tracing

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
HEADER = f"00-{TRACE}-{SPAN}-01"


def _tracing() -> tuple[Tracing, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    return configure_tracing("triform-test", [SimpleSpanProcessor(exporter)]), exporter


def _only(spans: Sequence[ReadableSpan]) -> ReadableSpan:
    (span,) = spans
    return span


def test_a_header_comes_out_as_it_went_in() -> None:
    parsed = parse_traceparent(HEADER)
    assert parsed == TraceParent(TRACE, SPAN, sampled=True)
    assert parsed.header() == HEADER


def test_a_later_version_may_say_more() -> None:
    assert parse_traceparent(f"cc-{TRACE}-{SPAN}-01-what-the-future-holds") == TraceParent(TRACE, SPAN)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-zz",
    ],
)
def test_an_invalid_header_is_no_parent(header: str | None) -> None:
    assert parse_traceparent(header) is None


def test_an_operation_continues_the_callers_trace() -> None:
    tracing, exporter = _tracing()
    with tracing.operation(HEADER, {"triform.circle": "acme"}) as span:
        span.set({"triform.run_id": "r1"})
    done = _only(exporter.get_finished_spans())
    assert (span.trace_id, done.name) == (TRACE, "ops.execute")
    assert done.parent is not None
    assert f"{done.parent.span_id:016x}" == SPAN
    assert dict(done.attributes or {}) == {"triform.circle": "acme", "triform.run_id": "r1"}


def test_an_invalid_parent_begins_a_new_trace() -> None:
    tracing, exporter = _tracing()
    with tracing.operation("rubbish") as span:
        pass
    assert parse_traceparent(span.parent.header()) == span.parent
    assert _only(exporter.get_finished_spans()).parent is None


def test_operations_side_by_side_are_traces_of_their_own() -> None:
    tracing, _ = _tracing()
    with tracing.operation(None) as outer, tracing.operation(None) as inner:
        assert outer.trace_id != inner.trace_id


def test_a_caller_who_does_not_sample_still_gets_his_trace_id_back() -> None:
    tracing, exporter = _tracing()
    with tracing.operation(f"00-{TRACE}-{SPAN}-00") as span:
        assert span.trace_id == TRACE
        assert span.parent.header().endswith("-00")
    assert exporter.get_finished_spans() == ()


def test_a_failure_tells_its_code_and_nothing_else() -> None:
    tracing, exporter = _tracing()
    with pytest.raises(ValueError, match="private"):
        _fail_inside(tracing)
    done = _only(exporter.get_finished_spans())
    assert (done.attributes or {})["error.type"] == "RUBY_TIMEOUT"
    assert "private" not in done.to_json()


def _fail_inside(tracing: Tracing) -> None:
    with tracing.operation(None) as span:
        span.failed("RUBY_TIMEOUT")
        raise ValueError("private words")
