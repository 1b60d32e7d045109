"""The ledger: append-only, double entry. A circle's account is its id, the platform's have names."""

from collections.abc import Sequence
from uuid import UUID

from triform.clock import Clock
from triform.ids import Ids
from triform.runs.model import Debit
from triform.storage.database import Transaction
from triform.storage.queries import load
from triform.wallet.model import Entry, InsufficientBalance, Wallet

QUERIES = load(__file__)

REVENUE = "revenue"
GRANTS = "grants"
TOP_UPS = "top_ups"


class Ledger:
    """Movements inside a transaction the caller owns. The grouped debit of runs is the executor's."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    async def grant(self, tx: Transaction, circle_id: UUID, amount_micro_au: int) -> None:
        """Opens a new circle's wallet and puts the platform's gift into it."""
        await tx.execute(QUERIES["open"], circle_id)
        if amount_micro_au:
            await self._credit(tx, circle_id, amount_micro_au, account=GRANTS, dimension="grant")

    async def top_up(self, tx: Transaction, circle_id: UUID, amount_micro_au: int, reference: str) -> int:
        """Adds paid-for money; answers the new balance."""
        return await self._credit(
            tx, circle_id, amount_micro_au, account=TOP_UPS, dimension="top_up", reference=reference
        )

    async def charge(self, tx: Transaction, circle_id: UUID, run_id: UUID, debits: Sequence[Debit]) -> None:
        """Takes the price of an operation that is one transaction; raises InsufficientBalance."""
        for debit in debits:
            amount = debit.amount_micro_au
            balance = await tx.fetchval(QUERIES["debit"], circle_id, amount)
            if balance is None:
                wallet = await self.wallet(tx, circle_id)
                raise InsufficientBalance.for_price(amount, wallet.balance_micro_au - wallet.held_micro_au)
            await tx.execute(
                QUERIES["enter"], self._ids.new(), circle_id, str(circle_id), REVENUE, amount, balance,
                run_id, debit.dimension, None, self._clock.now(),
            )  # fmt: skip

    async def wallet(self, tx: Transaction, circle_id: UUID) -> Wallet:
        row = await tx.fetchrow(QUERIES["wallet"], circle_id)
        return Wallet(row["balance_micro_au"], row["held_micro_au"]) if row else Wallet(0, 0)

    async def entries(
        self,
        tx: Transaction,
        circle_id: UUID,
        *,
        before: UUID | None,
        run_id: UUID | None,
        limit: int,
        offset: int,
    ) -> tuple[Entry, ...]:
        rows = await tx.fetch(QUERIES["entries"], circle_id, before, run_id, limit, offset)
        return tuple(Entry(**dict(row)) for row in rows)

    async def _credit(
        self, tx: Transaction, circle_id: UUID, amount: int, *, account: str, dimension: str,
        reference: str | None = None,
    ) -> int:  # fmt: skip
        balance: int = await tx.fetchval(QUERIES["credit"], circle_id, amount)
        await tx.execute(
            QUERIES["enter"], self._ids.new(), circle_id, account, str(circle_id), amount, balance,
            None, dimension, reference, self._clock.now(),
        )  # fmt: skip
        return balance
