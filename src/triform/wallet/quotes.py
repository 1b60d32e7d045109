"""What a call will cost: at most, and as far as the runs before tell."""

from dataclasses import dataclass
from typing import Any

from triform.chemistry.catalogue import ElementType, Operation
from triform.elements.model import Element
from triform.errors import NotFound
from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.model import Debit
from triform.storage.database import Transaction
from triform.storage.queries import load
from triform.wallet import pricing
from triform.wallet.ledger import Ledger

_QUERIES = load(__file__)

OF = "/quote"
"""What follows the path of the operation that is asked about."""

LOOKED_AT = 100
"""Runs that tell how long the next one will take."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one call costs; `expected` is None while no run tells how long it takes."""

    most: tuple[Debit, ...]
    expected: tuple[Debit, ...] | None
    runs: int
    p50_duration_ms: float | None


async def forecast(tx: Transaction, kind: ElementType, element: Element, operation: Operation) -> Forecast:
    """Of a call of this operation, going by the element's spec and its last runs."""
    prices = kind.prices(operation.name)
    ceiling = pricing.most(kind.limits_of(element.spec))
    (basis,) = await tx.fetch(_QUERIES["recent"], element.id, operation.name, LOOKED_AT)
    expected = pricing.bill(prices, pricing.used(basis["p50_duration_ms"] or 0.0, ceiling))
    known = bool(basis["runs"]) or not any(price.dimension in pricing.BY_USE for price in prices)
    most = pricing.bill(prices, ceiling)
    return Forecast(most, expected if known else None, basis["runs"], basis["p50_duration_ms"])


class Quotes:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def quote(self, call: Call, tx: Transaction) -> Reply:
        """`{operation, most_micro_au, expected_micro_au, lines, basis, free_micro_au, affordable}`.

        `most_micro_au` is what is held while it runs; nothing is held or promised here.
        """
        asked = _asked_about(call)
        found = await forecast(tx, call.type, call.element, asked)
        wallet = await self._ledger.wallet(tx, call.element.circle_id)
        free = wallet.balance_micro_au - wallet.held_micro_au
        return Reply({
            "operation": asked.name,
            "most_micro_au": pricing.total(found.most),
            "expected_micro_au": None if found.expected is None else pricing.total(found.expected),
            "lines": [_line(debit, found.expected or ()) for debit in found.most],
            "basis": {"runs": found.runs, "p50_duration_ms": found.p50_duration_ms},
            "free_micro_au": free,
            "affordable": free >= pricing.total(found.most),
        })  # fmt: skip


def _asked_about(call: Call) -> Operation:
    found = call.type.by_path(call.operation.path.removesuffix(OF))
    if found is None:
        raise NotFound
    return found[0]


def _line(most: Debit, expected: tuple[Debit, ...]) -> dict[str, Any]:
    likely = next((each.amount_micro_au for each in expected if each.dimension == most.dimension), None)
    return {"dimension": most.dimension, "most_micro_au": most.amount_micro_au, "expected_micro_au": likely}
