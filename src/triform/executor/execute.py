"""The one path of every operation: six phases around a call."""

from functools import partial

from triform.errors import PlatformFault
from triform.executor.authorise import authorise
from triform.executor.conceal import conceal
from triform.executor.dispatch import dispatch
from triform.executor.errors import Stale
from triform.executor.house import House
from triform.executor.meter import meter
from triform.executor.modify import modify
from triform.executor.passage import Outcome, Passage, Proceed
from triform.executor.record import record
from triform.executor.validate import validate
from triform.runs.call import Call

PHASES = (authorise, modify, validate, meter, record, dispatch)

_LOOK_AGAIN = 5


class Executor:
    """`execute` takes a call to its outcome, or raises the TriformError that refuses it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._walk = walk(house)

    async def execute(self, call: Call) -> Outcome:
        """A call that was looked up from a stale cache is looked up again and repeated; it had no effect yet."""
        call = conceal(call, self._house).evolve(run_id=self._house.ids.new())
        for _ in range(_LOOK_AGAIN):
            try:
                return await self._once(call)
            except Stale:
                call = await self._house.elements.again(call)
        raise PlatformFault("The element kept changing while this call was admitted.")

    async def _once(self, call: Call) -> Outcome:
        """What a call asks to be repeated walks the phases as if it had been called itself."""
        outcome = await self._walk(Passage(call=await self._house.elements.placed(call)))
        if outcome.instead is None:
            return outcome
        return await self._walk(Passage(call=await self._house.elements.placed(outcome.instead)))


def walk(house: House) -> Proceed:
    """The phases, each wrapped around the next."""
    proceed: Proceed = _nowhere
    for phase in reversed(PHASES):
        proceed = partial(phase, proceed=proceed, house=house)
    return proceed


async def _nowhere(passage: Passage) -> Outcome:
    raise RuntimeError("dispatch is the last phase")
