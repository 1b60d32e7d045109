"""Runs of every type, counted where their end is committed."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import Metric

from triform.observability import platform_metrics as shown
from triform.observability.families import Buckets
from triform.runs.model import Run


class RunFigures:
    """The figures of this node since its start."""

    def __init__(self) -> None:
        self._ended: Counter[tuple[str, str]] = Counter()
        self._waited = Buckets()

    def ended(self, run: Run) -> None:
        self._ended[run.status, run.trigger] += 1
        if run.started_at is not None:
            self._waited.observe(run.usage.queue_ms)

    def shown(self) -> Iterator[Metric]:
        yield shown.RUNS_ENDED.by({(str(status), trigger): n for (status, trigger), n in self._ended.items()})
        yield shown.QUEUE_WAIT.spread({(): self._waited})
