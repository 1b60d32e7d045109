"""What a call will cost: at most, and as far as the runs before tell."""

from typing import Any

from triform.chemistry.catalogue import Operation
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


class Quotes:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def quote(self, call: Call, tx: Transaction) -> Reply:
        """`{operation, most_micro_au, expected_micro_au, lines, basis, free_micro_au, affordable}`.

        `most_micro_au` is what is held while it runs; nothing is held or promised here.
        """
        asked = _asked_about(call)
        prices = call.type.prices(asked.name)
        ceiling = pricing.most(call.type.limits_of(call.element.spec))
        (basis,) = await tx.fetch(_QUERIES["recent"], call.element.id, asked.name, LOOKED_AT)
        most = pricing.bill(prices, ceiling)
        expected = pricing.bill(prices, pricing.used(basis["p50_duration_ms"] or 0.0, ceiling))
        known = bool(basis["runs"]) or not any(price.dimension in pricing.BY_USE for price in prices)
        wallet = await self._ledger.wallet(tx, call.element.circle_id)
        free = wallet.balance_micro_au - wallet.held_micro_au
        return Reply({
            "operation": asked.name,
            "most_micro_au": pricing.total(most),
            "expected_micro_au": pricing.total(expected) if known else None,
            "lines": [_line(debit, expected if known else ()) for debit in most],
            "basis": {"runs": basis["runs"], "p50_duration_ms": basis["p50_duration_ms"]},
            "free_micro_au": free,
            "affordable": free >= pricing.total(most),
        })  # fmt: skip


def _asked_about(call: Call) -> Operation:
    found = call.type.by_path(call.operation.path.removesuffix(OF))
    if found is None:
        raise NotFound
    return found[0]


def _line(most: Debit, expected: tuple[Debit, ...]) -> dict[str, Any]:
    likely = next((each.amount_micro_au for each in expected if each.dimension == most.dimension), None)
    return {"dimension": most.dimension, "most_micro_au": most.amount_micro_au, "expected_micro_au": likely}
