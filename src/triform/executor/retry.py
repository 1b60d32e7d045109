"""When an asynchronous run is tried again."""

from triform.executor.settle import blameless
from triform.runs.call import Call
from triform.runs.model import Ended

LONGEST_MS = 3_600_000


def next_delay_ms(call: Call, attempt: int, ended: Ended) -> float | None:
    """Milliseconds until the next attempt; None when this one was the last.

    Retryable failures and platform faults are tried again, up to the spec's `max_attempts` (the first
    counts); the n-th wait is `backoff_ms * multiplier ** (n - 1)`, never more than an hour.
    """
    retry = call.type.limits_of(call.element.spec).retry
    if ended.failure is None or ended.cancelled or attempt >= retry.max_attempts:
        return None
    if not (ended.failure.retryable or blameless(ended)):
        return None
    return min(retry.backoff_ms * retry.backoff_multiplier ** (attempt - 1), LONGEST_MS)
