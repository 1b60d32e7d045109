"""From how an attempt ended to the finished run and its price. Pure."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from triform.chemistry.model import Price
from triform.errors import Failure
from triform.runs.model import Attempt, Debit, Ended, LogSummary, Run, Usage
from triform.wallet import pricing

_BLAMELESS = ("unavailable", "rate_limit", "conflict", "auth", "billing", "not_found")


def blameless(ended: Ended) -> bool:
    """The user's code is not to blame: nothing is charged, an idempotency key is given back."""
    return ended.failure is not None and not ended.cancelled and ended.failure.kind in _BLAMELESS


def settled(
    run: Run,
    ended: Ended,
    failure: Failure | None,
    logs: LogSummary,
    now: datetime,
    prices: Sequence[Price],
    ceiling: pricing.Quantities,
) -> Run:
    """The run as it is stored at its end; user work costs money whether it succeeded or not."""
    usage = _over_all(run, ended.usage, now)
    debits = _debits(run, ended, usage, prices, ceiling)
    return run.evolve(
        status=ended.status,
        output=ended.output,
        failure=failure,
        attempts=closed_attempts(run, ended, now),
        next_attempt_at=None,
        logs=logs,
        usage=usage,
        isolation=ended.isolation,
        debits=debits,
        cost_micro_au=pricing.total(debits),
        finished_at=now,
    )


def closed_attempts(run: Run, ended: Ended, now: datetime) -> tuple[Attempt, ...]:
    """The attempts, the last one ended."""
    if not run.attempts or run.attempts[-1].ended_at is not None:
        return run.attempts
    code = ended.failure.code if ended.failure else None
    last = replace(run.attempts[-1], ended_at=now, status=ended.status, code=code)
    return (*run.attempts[:-1], last)


def _debits(
    run: Run, ended: Ended, usage: Usage, prices: Sequence[Price], ceiling: pricing.Quantities
) -> tuple[Debit, ...]:
    """A run cancelled before any attempt of it reached user code is free."""
    worked = ended.handler_started or run.usage.duration_ms > 0
    if blameless(ended) or (ended.cancelled and not worked):
        return ()
    return pricing.bill(prices, pricing.used(usage.duration_ms, ceiling))


def _over_all(run: Run, last: Usage, now: datetime) -> Usage:
    """Handler time adds up over attempts; the queue is what came before the first, or all there was."""
    queue_ms = run.usage.queue_ms if run.started_at else milliseconds(run.created_at, now)
    return replace(last, duration_ms=run.usage.duration_ms + last.duration_ms, queue_ms=queue_ms)


def milliseconds(begin: datetime, end: datetime) -> float:
    """Never negative: the wall clock may have been set back in between."""
    return max(0.0, (end - begin).total_seconds() * 1000)
