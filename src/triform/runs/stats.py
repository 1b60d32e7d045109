"""How an element has been doing: figures over a period, and the health they mean."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from triform.clock import rfc3339
from triform.elements.request import Request, refusal
from triform.ids import first_at
from triform.storage.database import Transaction
from triform.storage.queries import load

PERIODS: Mapping[str, timedelta] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}

_DAY = timedelta(days=1)
_QUERIES = load(__file__, "reading.sql")


async def figures_of(
    tx: Transaction, circle_id: UUID, element_id: UUID, period: str, now: datetime
) -> dict[str, Any]:
    """The figures of the last hour, day, week or month (30 days)."""
    _, figures_of_all = await batch_of(tx, circle_id, [element_id], period, now)
    return figures_of_all


async def batch_of(
    tx: Transaction, circle_id: UUID, ids: Sequence[UUID], period: str, now: datetime
) -> tuple[dict[UUID, dict[str, Any]], dict[str, Any]]:
    """The same for each of some elements, and for all of them together."""
    since = now - PERIODS[period]
    rows = await tx.fetch(_QUERIES["stats"], circle_id, ids, since, first_at(since - _DAY))
    found = {row["element_id"]: figures(dict(row), period) for row in rows}
    return {each: found.get(each) or figures(_NO_RUNS, period) for each in ids}, found[None]


_NO_RUNS: Mapping[str, Any] = {"runs": 0, "completed": 0, "failed": 0, "cost_micro_au": 0} | dict.fromkeys(
    ("avg_duration_ms", "p50_duration_ms", "p95_duration_ms", "last_run_at")
)


def period_of(call: Request) -> str:
    """Raises InvalidInput."""
    period = call.argument("period", "day")
    if not isinstance(period, str) or period not in PERIODS:
        raise refusal("period", f"this is one of {', '.join(PERIODS)}")
    return period


def figures(row: Mapping[str, Any], period: str) -> dict[str, Any]:
    """Cancelled and unfinished runs count as runs, but neither as success nor as error."""
    days = PERIODS[period] / _DAY
    ended = row["completed"] + row["failed"]
    errors_per_day = row["failed"] / days
    success_rate = row["completed"] / ended if ended else None
    return {
        "period": period,
        "runs": row["runs"],
        "runs_per_day": round(row["runs"] / days, 3),
        "errors_per_day": round(errors_per_day, 3),
        "success_rate": success_rate if success_rate is None else round(success_rate, 6),
        "avg_duration_ms": _ms(row["avg_duration_ms"]),
        "p50_duration_ms": _ms(row["p50_duration_ms"]),
        "p95_duration_ms": _ms(row["p95_duration_ms"]),
        "cost_micro_au": row["cost_micro_au"],
        "last_run_at": rfc3339(row["last_run_at"]) if row["last_run_at"] else None,
        "health": health(errors_per_day, success_rate),
    }


def health(errors_per_day: float, success_rate: float | None) -> str:
    """`error`, `warning` or `healthy`; an element that has not run is healthy."""
    rate = 1.0 if success_rate is None else success_rate
    if errors_per_day > 5 or rate < 0.8:
        return "error"
    if errors_per_day > 0 or rate < 0.95:
        return "warning"
    return "healthy"


def _ms(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
