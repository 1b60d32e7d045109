"""One `Idempotency-Key`, one effect: the same key and body answers with the original outcome."""

from typing import Any

import msgspec

from triform.errors import Suggestion
from triform.executor.commits import QUERIES
from triform.executor.errors import IdempotencyInFlight, IdempotencyKeyReused
from triform.executor.house import House
from triform.executor.passage import Outcome
from triform.runs.call import Call
from triform.runs.rows import run_from_row

_CANONICAL = msgspec.json.Encoder(order="deterministic")


def digest(call: Call, house: House) -> bytes:
    """Of the input, whatever the order of its members or its white space; keyed, since it may hold secrets."""
    return house.secrets.fingerprint(_CANONICAL.encode((call.asked or call).input))


async def earlier_outcome(call: Call, house: House) -> Outcome | None:
    """The outcome of the first request with this key, None when there was none.

    Raises IdempotencyKeyReused when the body differs, IdempotencyInFlight while the first goes on.
    """
    if call.idempotency_key is None or not call.operation.recorded:
        return None
    known = await house.database.fetchrow(
        QUERIES["find_key"], call.element.circle_id, call.element.id, (call.asked or call).operation.name,
        call.idempotency_key, house.clock.now(),
    )  # fmt: skip
    return await _replay(call, house, known) if known else None


async def _replay(call: Call, house: House, known: Any) -> Outcome | None:
    if known["body_digest"] != digest(call, house):
        raise IdempotencyKeyReused
    row = await house.database.fetchrow(QUERIES["run"], known["run_id"])
    if row is None:
        return None
    run = run_from_row(row)
    if run.status.final:
        return Outcome(run=run, replayed=True)
    if call.prefer.wanted:
        return Outcome(run=run, accepted=True, replayed=True)
    raise IdempotencyInFlight(
        facts={"run_id": str(run.run_id)},
        suggestion=Suggestion(
            why="The first request with this key has not ended yet.",
            fix=f"Wait for it: GET …/ops/runs/{run.run_id}?wait=30, then repeat with the same key.",
            op="run_get",
        ),
    )
