"""Money as values: integer micro-AU everywhere (1 AU = 1,000,000 micro-AU)."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from triform.errors import Kind, Suggestion, TriformError

MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Wallet:
    balance_micro_au: int
    held_micro_au: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement as the circle sees it: debits are negative."""

    id: UUID
    run_id: UUID | None
    dimension: str
    amount_micro_au: int
    balance_after_micro_au: int
    reference: str | None
    at: datetime


class InsufficientBalance(TriformError):
    """The wallet cannot pay for this run."""

    code: ClassVar[str] = "INSUFFICIENT_BALANCE"
    kind: ClassVar[Kind] = "billing"

    @classmethod
    def for_price(cls, price: int, free: int, what: str = "This run") -> "InsufficientBalance":
        return cls(
            f"{what} may cost {price} micro-AU; {free} micro-AU are free in the wallet.",
            facts={"price_micro_au": price, "balance_micro_au": free},
            suggestion=Suggestion(
                why="Every run sets aside its price before it starts, and the wallet holds less than that.",
                fix="An admin tops the wallet up: POST /api/{circle}/ops/wallet/top_up with amount_micro_au "
                "and a reference. Operations without a price keep working.",
                op="wallet_top_up",
                example={"amount_micro_au": max(price - free, MICRO), "reference": "invoice 2041"},
            ),
        )
