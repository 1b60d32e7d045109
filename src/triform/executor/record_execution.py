"""User work: admitted in one commit, carried out in a task of its own, ended in another commit.

The task belongs to the run, not to the request: a client that goes away cancels nothing.
"""

import asyncio
from datetime import datetime
from uuid import UUID

from triform.elements.model import LIVE
from triform.executor import idempotency
from triform.executor.attempts import Attempts
from triform.executor.begin import begun
from triform.executor.commits import Acceptance, Verdict
from triform.executor.errors import Stale
from triform.executor.house import House
from triform.executor.live import LiveRun
from triform.executor.passage import Outcome, Passage, Proceed
from triform.executor.slots import Ticket
from triform.runs.call import Call
from triform.runs.logs import LogBook
from triform.runs.model import Attempt, Run, Status
from triform.wallet.model import InsufficientBalance


async def record_execution(passage: Passage, proceed: Proceed, house: House) -> Outcome:
    work = _in_backlog(passage, house) if passage.call.prefer.wanted else _at_once(passage, proceed, house)
    task = house.tasks.start(work, name=f"run {passage.call.element.path}")
    return await asyncio.shield(task)


async def _in_backlog(passage: Passage, house: House) -> Outcome:
    """Committed as pending; the queue takes it from there."""
    call = passage.call if passage.call.replay_of else passage.call.evolve(trigger="async")
    run = waiting_run(call, house)
    async with house.backlog.room(call.element.circle_id):
        await _admit(passage.evolve(call=call), run, None, house)
    house.backlog.wake()
    return Outcome(run=run, accepted=True)


async def _at_once(passage: Passage, proceed: Proceed, house: House) -> Outcome:
    call = passage.call
    ticket = house.slots.arrive(call.element.id, call.type.limits_of(call.element.spec).concurrency_max)
    try:
        return await _with_ticket(passage, proceed, ticket, house)
    finally:
        ticket.release()


async def _with_ticket(passage: Passage, proceed: Proceed, ticket: Ticket, house: House) -> Outcome:
    run = _new_run(passage.call, house)
    if ticket.granted:
        run = _running(run, house)
    live = LiveRun(run, LogBook(house.clock, house.bounds.log_bytes), attempt=len(run.attempts))
    live.hide(house.masks.of(passage.call.element))
    house.live.add(live)
    final: Run | None = None
    try:
        await _admit(passage, run, house.worker_id, house)
        final = await Attempts(house).first(passage, live, proceed, ticket)
    finally:
        house.live.remove(live, final)
    return Outcome(run=final)


async def _admit(passage: Passage, run: Run, worker: UUID | None, house: House) -> None:
    """The accepted commit. Raises Stale, InsufficientBalance, or what the first use of the key deserves."""
    acceptance = acceptance_of(passage, run, worker, house)
    with house.tracing.stage("commit.accept"):
        admission = await house.commits.accept(acceptance)
    if admission.verdict is Verdict.unaffordable:
        raise InsufficientBalance.for_price(passage.hold_micro_au, admission.free_micro_au or 0)
    if admission.verdict in (Verdict.stale, Verdict.duplicate):
        raise Stale


def acceptance_of(
    passage: Passage, run: Run, worker: UUID | None, house: House, due: datetime | None = None
) -> Acceptance:
    """What a run asks to be admitted with; without a worker it waits in the backlog, at least until `due`."""
    call = passage.call
    live = call.element.branches.get(LIVE)
    return Acceptance(
        run=run,
        attempt=len(run.attempts),
        worker_id=worker,
        element_state=call.element.state,
        graph_revision=call.element.graph_revision,
        live_version=live.version if live else None,
        credential_id=call.principal.credential_id,
        credential_revision=call.principal.credential_revision,
        hold_micro_au=passage.hold_micro_au,
        key_digest=idempotency.digest(call, house) if call.idempotency_key else None,
        key_ttl=house.bounds.key_ttl,
        key_operation=(call.asked or call).operation.name,
        pinned=call.pinned,
        due=due,
        traceparent=None if worker else call.traceparent,
    )


def waiting_run(call: Call, house: House) -> Run:
    """A run for the backlog: whoever carries it out needs its exact input, encrypted, if that may not be shown."""
    run = _new_run(call, house)
    sealed = house.secrets.seal_input(run.run_id, call.body) if run.input_masked else None
    return run.evolve(sealed_input=sealed)


def _new_run(call: Call, house: House) -> Run:
    """Its input as it may be shown."""
    mask = house.masks.of(call.element)
    return begun(call, house.ids.new(), mask.json(call.body) if mask else call.body)


def _running(run: Run, house: House) -> Run:
    now = house.clock.now()
    first = Attempt(number=1, started_at=now, worker_id=house.worker_id)
    return run.evolve(status=Status.running, started_at=now, attempts=(first,))
