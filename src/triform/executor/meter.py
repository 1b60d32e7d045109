"""Phase 4: plans what the run may cost at most; the hold itself is taken in the accepted commit."""

from triform.executor.house import House
from triform.executor.passage import Outcome, Passage, Proceed
from triform.wallet import pricing


async def meter(passage: Passage, proceed: Proceed, house: House) -> Outcome:
    return await proceed(priced(passage))


def priced(passage: Passage) -> Passage:
    """With what is set aside for it, and the quantities that was planned with."""
    call = passage.call
    prices = call.type.prices(call.operation.name)
    if not prices:
        return passage
    ceiling = pricing.most(call.type.limits_of(call.element.spec))
    return passage.evolve(hold_micro_au=pricing.total(pricing.bill(prices, ceiling)), ceiling=ceiling)
