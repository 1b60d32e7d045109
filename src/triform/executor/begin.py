"""A call's run as it begins; what it comes to is added by whoever carries it out."""

import hashlib
from uuid import UUID

from triform.runs.call import Call
from triform.runs.model import Run, Status


def begun(call: Call, run_id: UUID, shown: bytes) -> Run:
    """Pending, with the input as it may be kept: `shown` is the body without secret values."""
    return Run(
        run_id=run_id,
        circle_id=call.element.circle_id,
        circle=call.element.circle_name,
        element_id=call.element.id,
        element=call.element.slug,
        element_version=call.element.version,
        env=call.env,
        operation=call.operation.name,
        execution=call.operation.execution,
        status=Status.pending,
        trigger=call.trigger,
        actor=call.principal.actor,
        input=shown,
        input_size=len(call.body),
        input_digest=hashlib.sha256(shown).digest(),
        input_masked=shown is not call.body,
        trace_id=call.trace_id,
        created_at=call.received_at,
        idempotency_key=call.idempotency_key,
        replay_of=call.replay_of,
        batch=call.batch,
    )
