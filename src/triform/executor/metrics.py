"""The metrics that chemistry names, fed by finished runs. No tenant labels: only the run's status."""

from collections import deque
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.model import Metric
from triform.runs.model import Run, Status

_RECENT = 1000
_BUCKETS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000, 300000, 900000)

_MEASURED: dict[str, Callable[[Run], float]] = {
    "duration_ms": lambda run: run.usage.duration_ms,
    "memory_peak_mb": lambda run: run.usage.memory_peak_mb,
    "cold_start_ms": lambda run: run.usage.cold_start_ms,
    "queue_ms": lambda run: run.usage.queue_ms,
}

Feed = Callable[[Run], None]


class TypeMetrics:
    """`registry` is what /metrics shows."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.registry = CollectorRegistry()
        self._recent: dict[str, deque[bool]] = {name: deque(maxlen=_RECENT) for name in catalogue.types}
        self._feeds: dict[str, list[Feed]] = {}
        self._rates: dict[str, list[Gauge]] = {name: [] for name in catalogue.types}
        known: dict[str, Feed] = {}
        for name, kind in catalogue.types.items():
            self._feeds[name] = [feed for metric in kind.metrics if (feed := self._feed(name, metric, known))]

    def observe(self, type_name: str, run: Run) -> None:
        """Takes in one finished run."""
        for feed in self._feeds[type_name]:
            feed(run)
        if run.status is Status.completed:
            self._rate(type_name, failed=False)

    def failed(self, type_name: str) -> None:
        self._rate(type_name, failed=True)

    def _rate(self, type_name: str, *, failed: bool) -> None:
        recent = self._recent[type_name]
        recent.append(failed)
        for gauge in self._rates[type_name]:
            gauge.set(sum(recent) / len(recent))

    def _feed(self, type_name: str, metric: Metric, known: dict[str, Feed]) -> Feed | None:
        """A metric that several types inherit is one collector."""
        if metric.measures == "error_rate":
            self._rates[type_name].append(Gauge(metric.name, metric.description, registry=self.registry))
            return None
        if metric.name not in known:
            known[metric.name] = self._collector(metric)
        return known[metric.name]

    def _collector(self, metric: Metric) -> Feed:
        if metric.measures == "count":
            counter = Counter(metric.name, metric.description, ("status",), registry=self.registry)
            return lambda run: counter.labels(run.status).inc()
        measured = _MEASURED[metric.measures]
        if metric.kind == "gauge":
            gauge = Gauge(metric.name, metric.description, registry=self.registry)
            return lambda run: gauge.set(measured(run))
        histogram = Histogram(metric.name, metric.description, buckets=_BUCKETS, registry=self.registry)
        return lambda run: histogram.observe(measured(run))
