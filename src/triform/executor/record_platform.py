"""The product's own operations: effect, charge, run and events are one transaction, or nothing happened."""

from typing import Any
from uuid import UUID

import msgspec

from triform.errors import Unauthenticated
from triform.executor import idempotency
from triform.executor.begin import begun
from triform.executor.commits import QUERIES
from triform.executor.errors import Stale
from triform.executor.house import House
from triform.executor.passage import Outcome, Passage, Proceed
from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.model import Attempt, Run, Status, Usage
from triform.runs.rows import encode_attempts, encode_debits
from triform.storage.database import Transaction
from triform.wallet import pricing


async def record_platform(passage: Passage, proceed: Proceed, house: House) -> Outcome:
    call = passage.call
    started, run_id = house.clock.monotonic(), call.run_id or house.ids.new()
    prepared = await house.platform.prepare(call)
    async with house.database.transaction() as tx:
        if call.operation.level != "read":
            await _check_credential(call, tx, house)
        await _claim_key(call, tx, run_id, house)
        outcome = await proceed(passage.evolve(tx=tx, prepared=prepared))
        reply = outcome.reply or Reply(None)
        if call.operation.recorded:
            duration_ms = (house.clock.monotonic() - started) * 1000
            outcome = outcome.evolve(run=await _write_run(passage, tx, run_id, reply, duration_ms, house))
        await _tell(call, tx, reply, run_id if call.operation.recorded else None, house)
    for forget in reply.after_commit:
        forget()
    return outcome


async def _check_credential(call: Call, tx: Transaction, house: House) -> None:
    """The look-up was cached; the transaction that changes something asks again."""
    principal = call.principal
    valid = await tx.fetchval(
        QUERIES["check_credential"], principal.credential_id, principal.credential_revision, house.clock.now()
    )
    if valid is None:
        raise Unauthenticated
    if not valid:
        raise Stale


async def _claim_key(call: Call, tx: Transaction, run_id: UUID, house: House) -> None:
    """The key is taken in the same transaction as the effect; whoever comes second looks again."""
    if call.idempotency_key is None or not call.operation.recorded:
        return
    now = house.clock.now()
    claimed = await tx.fetchval(
        QUERIES["claim_key"], call.element.circle_id, call.element.id, call.operation.name,
        call.idempotency_key, run_id, idempotency.digest(call, house), now + house.bounds.key_ttl, now,
    )  # fmt: skip
    if claimed is None:
        raise Stale


async def _write_run(
    passage: Passage, tx: Transaction, run_id: UUID, reply: Reply, duration_ms: float, house: House
) -> Run:
    debits = pricing.bill(passage.call.type.prices(passage.call.operation.name), passage.ceiling)
    await house.ledger.charge(tx, passage.call.element.circle_id, run_id, debits)
    run = _run(passage.call, run_id, reply, house).evolve(
        usage=Usage(duration_ms=duration_ms), debits=debits, cost_micro_au=pricing.total(debits)
    )
    await tx.execute(QUERIES["record"], *_columns(run))
    return run


def _run(call: Call, run_id: UUID, reply: Reply, house: House) -> Run:
    now, mask = house.clock.now(), house.masks.about(call.element, call.secrets)
    output = msgspec.json.encode(reply.value if reply.recorded is None else reply.recorded)
    body = mask.json(call.body) if mask else call.body
    run = begun(call, run_id, body)
    return run.evolve(
        status=Status.completed,
        input=run.input if len(body) <= house.bounds.kept_input_bytes else None,
        output=mask.json(output) if mask else output,
        attempts=(Attempt(number=1, started_at=run.created_at, ended_at=now, status=Status.completed),),
        started_at=run.created_at,
        finished_at=now,
    )


def _columns(run: Run) -> tuple[Any, ...]:
    return (
        run.run_id, run.circle_id, run.circle, run.element_id, run.element, run.element_version, run.env,
        run.operation, run.trigger, run.actor.kind, run.actor.id, run.input, run.input_size, run.input_digest,
        run.input_masked, run.output, encode_attempts(run.attempts), run.usage.duration_ms, run.cost_micro_au,
        encode_debits(run.debits), run.trace_id, run.idempotency_key, run.created_at, run.finished_at,
    )  # fmt: skip


async def _tell(call: Call, tx: Transaction, reply: Reply, run_id: UUID | None, house: House) -> None:
    for kind, data in reply.events:  # A created element is the event's, not its parent.
        about = UUID(data["id"]) if "id" in data else call.element.id
        slug = data.get("slug", call.element.slug)
        await tx.execute(
            QUERIES["tell"], house.ids.new(), call.element.circle_id, about, slug, kind,
            run_id, call.operation.name, call.principal.actor.kind, call.principal.actor.id, call.trace_id,
            house.clock.now(), msgspec.json.encode(data),
        )  # fmt: skip
