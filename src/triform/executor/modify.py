"""Phase 2: the element's modifiers wrap the rest, the lowest priority outermost."""

from functools import partial

from triform.executor.house import House
from triform.executor.passage import Outcome, Passage, Proceed


async def modify(passage: Passage, proceed: Proceed, house: House) -> Outcome:
    if passage.call.operation.replays:  # What it repeats comes by here.
        return await proceed(passage)
    modifiers = await house.modifiers(passage.call.element)
    for modifier in sorted(modifiers, key=lambda each: each.priority, reverse=True):
        proceed = partial(modifier.around, proceed=proceed)
    return await proceed(passage)
