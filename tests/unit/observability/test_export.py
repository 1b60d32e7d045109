"""Which environment exports what, and the bounds of the queue."""

import threading
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from triform.observability.export import Export, exports, wanted
from triform.observability.tracing import Tracing, configure_tracing

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    "environment",
    [
        ENDPOINT,
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"},
        {"OTEL_TRACES_EXPORTER": "otlp"},
        {**ENDPOINT, "OTEL_TRACES_EXPORTER": "otlp"},
        {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
        {**ENDPOINT, "OTEL_SDK_DISABLED": "false"},
        {
            **ENDPOINT,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
        },
    ],
)
def test_a_collector_that_is_named_is_told(environment: dict[str, str]) -> None:
    assert wanted(environment)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
        {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"},
        {**ENDPOINT, "OTEL_TRACES_EXPORTER": "zipkin"},
        {**ENDPOINT, "OTEL_SDK_DISABLED": "true"},
        {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_otherwise_nothing_is_exported(environment: dict[str, str]) -> None:
    assert not wanted(environment)


def test_a_setting_that_makes_no_sense_is_no_reason_not_to_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "-1")
    assert exports(ENDPOINT) == ()


def test_a_batch_larger_than_the_queue_is_cut_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "900")
    exporter = _Held(held=False)
    export = Export(exporter, most_waiting=10)
    _tell(configure_tracing("test", [export]), 10)
    export.shutdown()
    assert max(exporter.sizes) <= 10


class _Held(SpanExporter):
    """Exports nothing before it is let go."""

    def __init__(self, *, held: bool = True) -> None:
        self.sizes: list[int] = []
        self.by: set[int] = set()
        self.begun = threading.Event()
        self.go = threading.Event()
        if not held:
            self.go.set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.by.add(threading.get_ident())
        self.begun.set()
        self.go.wait()
        self.sizes.append(len(spans))
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        return None


def _tell(tracing: Tracing, count: int) -> None:
    for _ in range(count):
        with tracing.operation(None):
            pass


def test_a_full_queue_drops_what_comes_and_counts_it() -> None:
    exporter = _Held()
    export = Export(exporter, most_waiting=4)
    tracing = configure_tracing("test", [export])
    _tell(tracing, 4)
    assert exporter.begun.wait(30)
    _tell(tracing, 10)
    assert export.figures.dropped == 6
    exporter.go.set()
    tracing.shutdown()
    assert (export.figures.exported, sum(exporter.sizes)) == (8, 8)


def test_a_shutdown_does_not_wait_for_a_collector_that_hangs() -> None:
    exporter = _Held()
    export = Export(exporter, flush_s=0.01)
    _tell(configure_tracing("test", [export]), 3)
    export.shutdown()
    assert export.figures.exported == 0
    assert "flush spans" in {thread.name for thread in threading.enumerate()}, "it was waited for to its end"
    exporter.go.set()


def test_spans_are_exported_beside_whoever_made_them() -> None:
    exporter = _Held(held=False)
    tracing = configure_tracing("test", [Export(exporter)])
    _tell(tracing, 3)
    tracing.shutdown()
    assert exporter.by
    assert threading.get_ident() not in exporter.by


def test_without_a_collector_an_operation_is_its_ids_alone() -> None:
    tracing = Tracing()
    with tracing.operation(None) as span, tracing.stage("commit.accept"):
        span.set({"triform.circle": "acme"})
        span.failed("RUBY_TIMEOUT")
    assert not tracing.recording
    assert span.parent.header().endswith("-00")
