"""From price rules to amounts. Quantities are in thousandths, so that a millisecond is one of a second."""

from collections.abc import Mapping, Sequence

from triform.chemistry.model import Limits, Price
from triform.runs.model import Debit

Quantities = Mapping[str, int]
"""Thousandths of each dimension's unit; a dimension that is not there was not used."""

ONE = 1000

BY_USE = frozenset({"per_second"})
"""Dimensions of which a run's amount is known only afterwards."""


def most(limits: Limits) -> Quantities:
    """The most one run can use: every attempt up to its timeout."""
    attempts = max(limits.retry.max_attempts, 1)
    return {"per_invocation": ONE, "per_second": (limits.timeout_ms or 0) * attempts}


def used(total_duration_ms: float, ceiling: Quantities) -> Quantities:
    """What a run used over all attempts; never more than was planned, whatever a kill took."""
    spent = -int(-total_duration_ms // 1)
    return {"per_invocation": ONE, "per_second": min(spent, ceiling.get("per_second", 0))}


def bill(prices: Sequence[Price], quantities: Quantities) -> tuple[Debit, ...]:
    """One debit line per dimension that costs something, rounded up to whole micro-AU."""
    lines = (Debit(price.dimension, _amount(price, quantities)) for price in prices)
    return tuple(line for line in lines if line.amount_micro_au > 0)


def total(debits: Sequence[Debit]) -> int:
    return sum(debit.amount_micro_au for debit in debits)


def _amount(price: Price, quantities: Quantities) -> int:
    return -(-price.amount_micro_au * quantities.get(price.dimension, 0) // ONE)
