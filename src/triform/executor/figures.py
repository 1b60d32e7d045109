"""What a node's executor shows of itself on /metrics."""

import asyncio
from collections.abc import Iterable, Iterator

from prometheus_client import Metric

from triform.executor.commits import QUERIES
from triform.executor.house import House
from triform.observability import platform_metrics as shown
from triform.observability.heartbeat import Heartbeat
from triform.storage.errors import DatabaseUnavailable

_PATIENCE_S = 2.0


def of_house(house: House) -> Iterator[Metric]:
    """Slots, queue, runs, group commits, spans, and the metrics of the types."""
    yield shown.SLOTS_TOTAL.of(house.slots.total)
    yield shown.SLOTS_BUSY.of(house.slots.busy)
    yield shown.QUEUE_DEPTH.of(house.slots.waiting)
    yield shown.RUNS_LIVE.of(len(house.live.ids()))
    yield from house.figures.shown()
    yield shown.DATABASE_RESTARTS.of(len(house.database.restarts))
    yield from _of_groups(house)
    yield _of_spans(house)
    yield from house.metrics.shown()


def _of_groups(house: House) -> Iterator[Metric]:
    groups = house.commits.groups
    yield shown.GROUP_FLUSHES.by({(group.name,): group.figures.flushes for group in groups})
    yield shown.GROUP_ITEMS.by({(group.name,): group.figures.items for group in groups})
    yield shown.GROUP_LARGEST.by({(group.name,): group.figures.largest for group in groups})
    yield shown.GROUP_ALONE.by({(group.name,): group.figures.retried_alone for group in groups})
    yield shown.GROUP_WAITING.by({(group.name,): group.waiting for group in groups})


def _of_spans(house: House) -> Metric:
    figures = [export.figures for export in house.tracing.exports]
    return shown.SPANS.by(
        {
            ("exported",): sum(each.exported for each in figures),
            ("failed",): sum(each.failed for each in figures),
            ("dropped",): sum(each.dropped for each in figures),
        }
    )


def of_loops(heartbeats: Iterable[Heartbeat]) -> Iterator[Metric]:
    beats = list(heartbeats)
    yield shown.LOOP_LAST.by({(beat.loop,): beat.last_at for beat in beats})
    yield shown.LOOP_FAILURES.by({(beat.loop,): beat.failures for beat in beats})
    yield shown.LOOP_DURATION.summed({(beat.loop,): (beat.turns, beat.seconds) for beat in beats})


async def of_database(house: House) -> list[Metric]:
    """Asked anew at each reading, and never waited for long."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            waiting: int = await house.database.fetchval(QUERIES["waiting"])
    except (DatabaseUnavailable, TimeoutError):
        return [shown.DATABASE_UP.of(0)]
    return [shown.DATABASE_UP.of(1), shown.BACKLOG.of(waiting)]
