"""Metrics as /metrics shows them: families with a name and a meaning, and their text.

What is counted is counted in plain numbers where it happens; families are filled when somebody reads.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client import Metric

Kind = Literal["counter", "gauge", "histogram", "summary"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MS_BOUNDS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000, 300000, 900000)


class Buckets:
    """The counts of a histogram; `observe` costs well under a microsecond."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = MS_BOUNDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. Labels take values from closed sets only, never anything of a tenant."""

    name: str
    kind: Kind
    description: str
    labels: tuple[str, ...] = ()

    def of(self, value: float) -> Metric:
        """The family with its only value."""
        return self.by({(): value})

    def by(self, values: Mapping[tuple[str, ...], float]) -> Metric:
        """The family with a value per labels."""
        metric = self._empty()
        for labels, value in values.items():
            metric.add_sample(self.name, self._named(labels), value)
        return metric

    def spread(self, values: Mapping[tuple[str, ...], Buckets]) -> Metric:
        """A histogram per labels."""
        metric = self._empty()
        for labels, buckets in values.items():
            named, below = self._named(labels), 0
            for bound, count in zip((*buckets.bounds, "+Inf"), buckets.counts, strict=True):
                below += count
                metric.add_sample(f"{self.name}_bucket", {**named, "le": str(bound)}, below)
            self._ends(metric, named, below, buckets.total)
        return metric

    def summed(self, values: Mapping[tuple[str, ...], tuple[int, float]]) -> Metric:
        """How many and how much in all, per labels."""
        metric = self._empty()
        for labels, (count, total) in values.items():
            self._ends(metric, self._named(labels), count, total)
        return metric

    def _empty(self) -> Metric:
        return Metric(self.name, self.description, self.kind)

    def _named(self, values: tuple[str, ...]) -> dict[str, str]:
        return dict(zip(self.labels, values, strict=True))

    def _ends(self, metric: Metric, named: dict[str, str], count: int, total: float) -> None:
        metric.add_sample(f"{self.name}_count", named, count)
        metric.add_sample(f"{self.name}_sum", named, total)


def text(metrics: Iterable[Metric]) -> bytes:
    """The Prometheus text format. Names stand as they were given; the client library would add `_total`."""
    return "".join(line for metric in metrics for line in _lines(metric)).encode()


def _lines(metric: Metric) -> Iterator[str]:
    counter = metric.type == "counter" and metric.samples
    name = metric.samples[0].name if counter else metric.name
    yield f"# HELP {name} {_escaped(metric.documentation)}\n# TYPE {name} {metric.type}\n"
    for sample in metric.samples:
        labels = ",".join(f'{label}="{_quoted(value)}"' for label, value in sample.labels.items())
        yield (
            f"{sample.name}{{{labels}}} {_number(sample.value)}\n"
            if labels
            else (f"{sample.name} {_number(sample.value)}\n")
        )


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', '\\"')
