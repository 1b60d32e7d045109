"""What the phases hand on, and what comes back."""

from collections.abc import Awaitable, Callable
from typing import Any, Self

import msgspec

from triform.executor.live import LiveRun
from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.model import Ended, Run
from triform.storage.database import Transaction
from triform.wallet.pricing import Quantities


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A call on its way through the phases; each may add what the later ones need.

    `hold_micro_au` is set aside before dispatch, `ceiling` the quantities it was planned with. Exactly one
    of `tx` (a platform operation's transaction) and `live` (an attempt of user work) is there at dispatch,
    or none for an operation of another substrate that leaves no run.
    """

    call: Call
    hold_micro_au: int = 0
    ceiling: Quantities = msgspec.field(default_factory=dict)
    tx: Transaction | None = None
    prepared: Any = None
    live: LiveRun | None = None

    def evolve(self, **changes: Any) -> Self:
        return msgspec.structs.replace(self, **changes)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a call came to. A door makes its answer from this alone.

    `run` is there for everything recorded; `accepted` means it is not finished (202). `reply` is there for
    operations that answered within this call; an execution's output or failure is in `run`. `instead` is the call
    that is to be carried out in the place of this one; no door sees it.
    """

    reply: Reply | None = None
    ended: Ended | None = None
    run: Run | None = None
    accepted: bool = False
    replayed: bool = False
    instead: Call | None = None

    def evolve(self, **changes: Any) -> Self:
        return msgspec.structs.replace(self, **changes)


Proceed = Callable[[Passage], Awaitable[Outcome]]
"""The rest of the phases."""
