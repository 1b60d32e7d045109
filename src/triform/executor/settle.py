"""From how an attempt ended to the finished run and its price. Pure."""

from dataclasses import replace
from datetime import datetime

from triform.executor.passage import Passage
from triform.runs.model import Attempt, Debit, Ended, LogSummary, Run, Status, Usage
from triform.wallet import pricing

_BLAMELESS = ("unavailable", "rate_limit", "conflict", "auth", "billing", "not_found")


def blameless(ended: Ended) -> bool:
    """The user's code is not to blame and the platform gave nothing for money."""
    return ended.failure is not None and not ended.cancelled and ended.failure.kind in _BLAMELESS


def settled(passage: Passage, ended: Ended, logs: LogSummary, now: datetime) -> Run:
    """The run as it is stored at its end; money is taken for user work, whether it succeeded or not."""
    run = _run_of(passage)
    usage = _over_all(run, ended.usage)
    debits = _debits(passage, run, ended, usage)
    return run.evolve(
        status=ended.status,
        output=ended.output,
        failure=ended.failure,
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
    """The attempts with the last one ended."""
    if not run.attempts or run.attempts[-1].ended_at is not None:
        return run.attempts
    code = ended.failure.code if ended.failure else None
    last = replace(run.attempts[-1], ended_at=now, status=ended.status, code=code)
    return (*run.attempts[:-1], last)


def _debits(passage: Passage, run: Run, ended: Ended, usage: Usage) -> tuple[Debit, ...]:
    worked_before = any(attempt.ended_at and attempt.code for attempt in run.attempts[:-1])
    if blameless(ended) or (ended.cancelled and not (ended.handler_started or worked_before)):
        return ()
    prices = passage.call.type.prices(run.operation)
    return pricing.bill(prices, pricing.used(usage.duration_ms, passage.ceiling))


def _over_all(run: Run, last: Usage) -> Usage:
    """Handler time adds up over attempts; the rest is the last attempt's, the queue is before the first."""
    return replace(last, duration_ms=run.usage.duration_ms + last.duration_ms, queue_ms=_queue_ms(run))


def _queue_ms(run: Run) -> float:
    if run.started_at is None:
        return 0.0
    return max(0.0, (run.started_at - run.created_at).total_seconds() * 1000)


def _run_of(passage: Passage) -> Run:
    if passage.live is None:
        raise RuntimeError("only a live run can be settled")
    return passage.live.run


__all__ = ["Status", "blameless", "closed_attempts", "settled"]
