"""The metrics that chemistry names, fed by finished runs. No tenant labels: only the run's status."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import Metric as Shown

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.model import Metric
from triform.observability.families import Buckets, Family
from triform.runs.model import Run, Status

_RECENT = 1000

_MEASURED: Mapping[str, Callable[[Run], float | None]] = {
    "duration_ms": lambda run: run.usage.duration_ms if run.attempts else None,
    "memory_peak_mb": lambda run: run.usage.memory_peak_mb or None,
    "cold_start_ms": lambda run: run.usage.cold_start_ms or None,
    "queue_ms": lambda run: run.usage.queue_ms if run.attempts else None,
}
"""None where a run has nothing of the kind: a warm start is no cold start of no length."""


class _Count:
    """Runs by how they ended."""

    def __init__(self, family: Family) -> None:
        self._family = family
        self._values: Counter[str] = Counter()

    def take(self, run: Run) -> None:
        self._values[run.status] += 1

    def shown(self) -> Shown:
        return self._family.by({(status,): count for status, count in self._values.items()})


class _Rate:
    """The share of failures among the last runs; a cancelled run is neither."""

    def __init__(self, family: Family) -> None:
        self._family = family
        self._recent: deque[bool] = deque(maxlen=_RECENT)
        self._failed = 0

    def take(self, run: Run) -> None:
        if run.status is Status.completed:
            self._add(failed=False)

    def fail(self) -> None:
        self._add(failed=True)

    def _add(self, *, failed: bool) -> None:
        forgotten = self._recent[0] if len(self._recent) == _RECENT else False
        self._failed += failed - forgotten
        self._recent.append(failed)

    def shown(self) -> Shown:
        return self._family.of(self._failed / len(self._recent) if self._recent else 0.0)


class _Spread:
    def __init__(self, family: Family, measured: Callable[[Run], float | None]) -> None:
        self._family = family
        self._measured = measured
        self._buckets = Buckets()

    def take(self, run: Run) -> None:
        value = self._measured(run)
        if value is not None:
            self._buckets.observe(value)

    def shown(self) -> Shown:
        return self._family.spread({(): self._buckets})


class _Last:
    def __init__(self, family: Family, measured: Callable[[Run], float | None]) -> None:
        self._family = family
        self._measured = measured
        self._value = 0.0

    def take(self, run: Run) -> None:
        self._value = self._measured(run) or self._value

    def shown(self) -> Shown:
        return self._family.of(self._value)


Instrument = _Count | _Rate | _Spread | _Last


def _instrument(metric: Metric) -> Instrument:
    """What chemistry's words ask for; `count` and `error_rate` are kinds of their own."""
    if metric.measures == "count":
        return _Count(Family(metric.name, "counter", metric.description, ("status",)))
    gauge = Family(metric.name, "gauge", metric.description)
    if metric.measures == "error_rate":
        return _Rate(gauge)
    measured = _MEASURED[metric.measures]
    if metric.kind == "gauge":
        return _Last(gauge, measured)
    return _Spread(Family(metric.name, "histogram", metric.description), measured)


class TypeMetrics:
    """A metric that several types inherit is one instrument."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._instruments: dict[str, Instrument] = {}
        self._of_type: dict[str, tuple[tuple[Instrument, tuple[str, ...]], ...]] = {}
        for name, kind in catalogue.types.items():
            self._of_type[name] = tuple((self._shared(metric), metric.operations) for metric in kind.metrics)

    def _shared(self, metric: Metric) -> Instrument:
        return self._instruments.setdefault(metric.name, _instrument(metric))

    def observe(self, type_name: str, run: Run) -> None:
        """Takes in one finished run."""
        for instrument, operations in self._of_type[type_name]:
            if not operations or run.operation in operations:
                instrument.take(run)

    def failed(self, type_name: str, run: Run) -> None:
        for instrument, operations in self._of_type[type_name]:
            if isinstance(instrument, _Rate) and (not operations or run.operation in operations):
                instrument.fail()

    def shown(self) -> Iterator[Shown]:
        return (instrument.shown() for instrument in self._instruments.values())
