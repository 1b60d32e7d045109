"""Refusals and ends that only the executor knows."""

from typing import ClassVar

from triform.errors import Kind, Suggestion, TriformError


class Stale(Exception):
    """The element or credential changed between look-up and commit; look up again and repeat."""


class ConcurrencyLimit(TriformError):
    """No slot came free in time."""

    code: ClassVar[str] = "CONCURRENCY_LIMIT"
    kind: ClassVar[Kind] = "rate_limit"
    retryable: ClassVar[bool] = True
    default_suggestion: ClassVar[Suggestion | None] = Suggestion(
        why="The element ran at its concurrency limit, or all slots were busy, for the whole waiting time.",
        fix="Repeat after Retry-After seconds, raise concurrency.max, or send Prefer: respond-async.",
    )


class BacklogFull(TriformError):
    """Too many asynchronous runs of this circle already wait."""

    code: ClassVar[str] = "BACKLOG_FULL"
    kind: ClassVar[Kind] = "rate_limit"
    retryable: ClassVar[bool] = True
    default_suggestion: ClassVar[Suggestion | None] = Suggestion(
        why="The circle's backlog of asynchronous runs is at its limit; nothing was queued or charged.",
        fix="Repeat after Retry-After seconds, or cancel runs that are no longer needed.",
        op="run_cancel",
    )


class RunInterrupted(TriformError):
    """The worker that carried out this run was lost."""

    code: ClassVar[str] = "RUN_INTERRUPTED"
    kind: ClassVar[Kind] = "unavailable"
    retryable: ClassVar[bool] = True
    default_suggestion: ClassVar[Suggestion | None] = Suggestion(
        why="The server stopped or crashed while your code ran; it may have done part of its work.",
        fix="Check what the run did (its logs are kept) and invoke again; nothing was charged.",
        op="invoke",
    )


class RunCancelled(TriformError):
    """This run was cancelled before it finished."""

    code: ClassVar[str] = "RUN_CANCELLED"
    kind: ClassVar[Kind] = "conflict"
    default_suggestion: ClassVar[Suggestion | None] = Suggestion(
        why="Somebody called run_cancel on it.", fix="Invoke again if you still need the result.", op="invoke"
    )


class RunNotCancellable(TriformError):
    """Only a pending or running run can be cancelled."""

    code: ClassVar[str] = "RUN_NOT_CANCELLABLE"
    kind: ClassVar[Kind] = "conflict"
    default_suggestion: ClassVar[Suggestion | None] = Suggestion(
        why="The run has already ended.", fix="GET …/ops/runs/{run_id} shows how it ended.", op="run_get"
    )


class RunNotReplayable(TriformError):
    """This run cannot be repeated as it was."""

    code: ClassVar[str] = "RUN_NOT_REPLAYABLE"
    kind: ClassVar[Kind] = "conflict"


class IdempotencyKeyReused(TriformError):
    """This Idempotency-Key was used with another body."""

    code: ClassVar[str] = "IDEMPOTENCY_KEY_REUSED"
    kind: ClassVar[Kind] = "validation"
    default_suggestion: ClassVar[Suggestion | None] = Suggestion(
        why="A key stands for one request; repeating it must repeat the body.",
        fix="Send the same body again, or a new key for a new request.",
    )


class IdempotencyInFlight(TriformError):
    """The request with this Idempotency-Key is still going on."""

    code: ClassVar[str] = "IDEMPOTENCY_IN_FLIGHT"
    kind: ClassVar[Kind] = "conflict"
    retryable: ClassVar[bool] = True


class ShuttingDown(TriformError):
    """The server is stopping and takes no new work."""

    code: ClassVar[str] = "SHUTTING_DOWN"
    kind: ClassVar[Kind] = "unavailable"
    retryable: ClassVar[bool] = True
    default_suggestion: ClassVar[Suggestion | None] = Suggestion(
        why="It finishes what is running and then ends.", fix="Repeat in a few seconds."
    )
