"""Runs, their logs and events lie in a partition per month; made ahead of time, so that none is ever missing."""

from collections.abc import Iterator
from datetime import UTC, datetime

from triform.executor.commits import QUERIES
from triform.ids import first_at
from triform.storage.database import Database

PARTITIONED = ("runs", "run_logs", "events")
_AHEAD = 2


async def ensure_partitions(database: Database, now: datetime) -> None:
    """This month's and the next two; safe to repeat and on every node at once."""
    for begin, end in _months(now):
        for table in PARTITIONED:
            suffix = begin.strftime("%Y_%m")
            await database.fetchval(QUERIES["create_partition"], table, suffix, first_at(begin), first_at(end))


def _months(now: datetime) -> Iterator[tuple[datetime, datetime]]:
    first = now.year * 12 + now.month - 1
    for month in range(first, first + _AHEAD + 1):
        yield _first_of(month), _first_of(month + 1)


def _first_of(month: int) -> datetime:
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
