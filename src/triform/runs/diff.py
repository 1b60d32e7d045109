"""`run_diff`: two runs of one element side by side, the earlier as `before`, the one asked about as `after`."""

import asyncio
from collections.abc import Sequence
from difflib import unified_diff
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from triform.clock import rfc3339
from triform.elements.request import flag, refusal
from triform.errors import Kind, NotFound, Suggestion, TriformError
from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.failures import failure_json
from triform.runs.json_changes import Changes, changes
from triform.runs.logs import Line
from triform.runs.model import Run
from triform.runs.reading import RunReader
from triform.runs.show import LINES_SHOWN, usage_json
from triform.storage.database import Transaction

_LARGE = 64 << 10
"""Bytes of input and output from which on they are compared in a thread."""

Found = tuple[Run, Sequence[Line]]


class RunUnfinished(TriformError):
    """Only runs that have ended can be compared."""

    code: ClassVar[str] = "RUN_UNFINISHED"
    kind: ClassVar[Kind] = "conflict"
    retryable: ClassVar[bool] = True


class RunDiff:
    def __init__(self, reader: RunReader) -> None:
        self._reader = reader

    async def __call__(self, call: Call, tx: Transaction) -> Reply:
        """Raises NotFound for a run that is not this element's, RunUnfinished, InvalidInput."""
        after = await self._found(call, tx, UUID(call.argument("run_id")))
        other = call.argument("with") or after[0].replay_of
        if other is None:
            raise refusal("with", "this run repeats none, so the run to compare it with has to be named")
        before = await self._found(call, tx, UUID(str(other)))
        with_logs = flag(call, "logs", False)
        if sum(len(text or b"") for run, _ in (before, after) for text in (run.input, run.output)) < _LARGE:
            return Reply(difference(before, after, with_logs))
        return Reply(await asyncio.to_thread(difference, before, after, with_logs))

    async def _found(self, call: Call, tx: Transaction, run_id: UUID) -> Found:
        found = await self._reader.find(tx, call.element.circle_id, call.element.id, run_id)
        if found is None:
            raise NotFound
        if not found[0].status.final:
            raise unfinished(found[0])
        return found


def difference(before: Found, after: Found, with_logs: bool = False) -> dict[str, Any]:
    """The answer of `run_diff`."""
    (one, printed), (other, printed_after) = before, after
    logs = {"logs": _lines(printed, printed_after)} if with_logs else {}
    output = _outputs(one, other)
    return {
        "before": _head(one),
        "after": _head(other),
        "same": _alike(one, other) and output.none,
        "input": _changes(_inputs(one, other)),
        "output": _changes(output),
        "error": {"same": _error(one) == _error(other), "before": _error(one), "after": _error(other)},
        "usage": _numbers(usage_json(one.usage), usage_json(other.usage)),
        "cost_micro_au": _number(one.cost_micro_au, other.cost_micro_au),
        **logs,
    }


def ended_alike(one: Run, other: Run) -> bool:
    """Whether two runs came to the same: status, output, and code and message of the error."""
    return _alike(one, other) and _outputs(one, other).none


def _alike(one: Run, other: Run) -> bool:
    return one.status is other.status and _told(one) == _told(other)


def _outputs(one: Run, other: Run) -> Changes:
    return changes(one.output or b"null", other.output or b"null")


def _inputs(one: Run, other: Run) -> Changes:
    """Of an input that was not kept only the digest can be compared."""
    if one.input is None or other.input is None:
        return Changes((), one.input_digest == other.input_digest)
    return changes(one.input, other.input)


def _told(run: Run) -> tuple[str, str] | None:
    return (run.failure.code, run.failure.message) if run.failure else None


def _head(run: Run) -> dict[str, Any]:
    return {
        "run_id": str(run.run_id),
        "status": run.status,
        "operation": run.operation,
        "element_version": run.element_version,
        "env": run.env,
        "created_at": rfc3339(run.created_at),
    }


def _changes(found: Changes) -> dict[str, Any]:
    return {"same": found.none, "patch": list(found.steps), "complete": found.complete}


def _error(run: Run) -> dict[str, Any] | None:
    return msgspec.to_builtins(failure_json(run.failure)) if run.failure else None


def _numbers(one: dict[str, float], other: dict[str, float]) -> dict[str, Any]:
    return {name: _number(value, other[name]) for name, value in one.items()}


def _number(one: float, other: float) -> dict[str, float]:
    return {"before": one, "after": other, "change": round(other - one, 3)}


def _lines(one: Sequence[Line], other: Sequence[Line]) -> dict[str, Any]:
    """The last lines of both, as a unified diff."""
    before, after = ([f"{each.stream}: {each.text}" for each in lines] for lines in (one, other))
    found = unified_diff(before[-LINES_SHOWN:], after[-LINES_SHOWN:], "before", "after", lineterm="")
    return {"same": before == after, "diff": list(found)}


def unfinished(run: Run) -> RunUnfinished:
    """What to raise for a run that goes on."""
    return RunUnfinished(
        f"The run {run.run_id} is {run.status}.",
        facts={"unfinished": str(run.run_id)},
        suggestion=Suggestion(
            why="What a run came to is known at its end.",
            fix=f"Wait for it: GET …/ops/runs/{run.run_id}?wait=30, then compare.",
            op="run_get",
        ),
    )
