"""Phase 1: may this credential do that, on an element in this state, and was it asked before?"""

from triform.circles.policy import allow
from triform.errors import NotFound
from triform.executor import idempotency
from triform.executor.house import House
from triform.executor.passage import Outcome, Passage, Proceed


async def authorise(passage: Passage, proceed: Proceed, house: House) -> Outcome:
    call = passage.call
    if call.element.circle_id != call.principal.circle.id:
        raise NotFound  # Foreign and absent are the same to the caller.
    allow(call.principal, call.operation.level, call.operation.name)
    usable = await house.elements.ensure_usable(call.element, call.operation)
    if usable is not call.element:
        passage = passage.evolve(call=call.evolve(element=usable))
    earlier = await idempotency.earlier_outcome(call, house)
    return earlier or await proceed(passage)
