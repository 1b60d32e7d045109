"""`run_replay`: the operation of a recorded run once more, with the input it had or one that is given."""

from typing import Any
from uuid import UUID

import msgspec

from triform.chemistry.operation import Operation
from triform.elements.request import refuse
from triform.errors import Complaint, NotFound, Suggestion
from triform.executor.commits import QUERIES
from triform.executor.errors import RunNotReplayable
from triform.executor.house import House
from triform.json_depth import MAX_DEPTH, depth
from triform.runs.call import Call
from triform.runs.json_patch import BadPatch, patched
from triform.runs.mask_stream import MARKER
from triform.runs.model import Run
from triform.runs.pointers import places_of
from triform.runs.rows import run_from_row

_PLACES_NAMED = 10


class _Posted(msgspec.Struct):
    """The given input exactly as it was written, empty where the body has none."""

    input: msgspec.Raw = msgspec.Raw()


async def repeated(call: Call, house: House) -> Call:
    """The call that repeats the run `call` names. Raises NotFound, RunNotReplayable, InvalidInput."""
    row = await house.database.fetchrow(QUERIES["run"], UUID(call.argument("run_id")))
    if row is None or (row["circle_id"], row["element_id"]) != (call.element.circle_id, call.element.id):
        raise NotFound
    run = run_from_row(row)
    operation = repeatable(run, call)
    return repeating(call, run, operation, _body(call, run, house)).evolve(
        idempotency_key=call.idempotency_key, asked_version=call.argument("version"), asked=call
    )


def repeating(call: Call, run: Run, operation: Operation, body: bytes) -> Call:
    """A call of what `run` was a run of, with this body, by whoever calls."""
    return call.evolve(
        operation=operation,
        input=msgspec.json.decode(body),
        body=body,
        arguments={},
        trigger="replay",
        replay_of=run.run_id,
        run_id=None,
        idempotency_key=None,
    )


def repeatable(run: Run, call: Call) -> Operation:
    """The operation of a run, if running it again means what it meant. Raises RunNotReplayable."""
    operation = call.type.operation(run.operation)
    if operation is None or not (operation.execution and operation.has_env):
        raise RunNotReplayable(
            f"A run of {run.operation} is not replayed.",
            suggestion=Suggestion(
                why="Only what runs versions of an element on an input can be compared with an earlier run.",
                fix=f"Call {run.operation} again if you want it done again.",
            ),
        )
    return operation


def kept_input(run: Run) -> bytes:
    """The recorded input, as the handler saw it. Raises RunNotReplayable where it is not that any more."""
    if run.input is None:
        raise RunNotReplayable("The input of this run was not kept.", suggestion=_GIVE_INPUT)
    if is_masked(run):
        raise _masked(run.input)
    return run.input


def is_masked(run: Run) -> bool:
    """Of runs from before it was noted only the marker tells."""
    return MARKER in (run.input or b"") if run.input_masked is None else run.input_masked


def _body(call: Call, run: Run, house: House) -> bytes:
    if "input" in call.input:
        written = msgspec.json.decode(call.body, type=_Posted).input
        return bytes(written) or msgspec.json.encode(call.input["input"])
    if "input_patch" in call.input:
        return _patched(run, call.input["input_patch"], house)
    return kept_input(run)


def _patched(run: Run, steps: list[Any], house: House) -> bytes:
    """A patch may also put values in all the places where secret ones were taken out."""
    body = run.input if run.input is not None else kept_input(run)
    try:
        shown = patched(body, steps, house.bounds.input_bytes)
    except BadPatch as error:
        raise refuse(Complaint(f"/input_patch/{error.step}/{error.member}", error.reason)) from None
    if len(shown) > house.bounds.input_bytes or depth(shown) > MAX_DEPTH:
        limits = f"{house.bounds.input_bytes} bytes or deeper than {MAX_DEPTH} levels"
        raise refuse(Complaint("/input_patch", f"this makes the input larger than {limits}"))
    if is_masked(run) and MARKER in shown:
        raise _masked(shown)
    return shown


def _masked(shown: bytes) -> RunNotReplayable:
    marker = MARKER.decode()
    places = places_of(msgspec.json.decode(shown), lambda text: marker in text, _PLACES_NAMED)
    patch = [{"op": "replace", "path": place, "value": "…"} for place in places]
    return RunNotReplayable(
        f"Secret values were taken out of the recorded input at {', '.join(map(repr, places))}.",
        facts={"masked": places},
        suggestion=Suggestion(
            why=f"Known secret values are kept nowhere; the record has {marker} in their place.",
            fix="Send an `input_patch` that replaces what is there, or the whole `input`.",
            op="run_replay",
            example={"input_patch": patch},
        ),
    )


_GIVE_INPUT = Suggestion(
    why="Of this run only the size and the digest of its input are on record.",
    fix="Send the input to run it with as `input`.",
    op="run_replay",
    example={"input": {}},
)
