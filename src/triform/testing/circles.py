"""A room of circles over a test's database, without the nouns above it."""

from pathlib import Path
from uuid import UUID

from argon2 import PasswordHasher

from triform.circles.access import Access, Ground
from triform.circles.model import Circle
from triform.circles.passwords import Passwords
from triform.clock import Clock
from triform.ids import Ids
from triform.storage.database import Database, Transaction

GRANT_MICRO_AU = 100

_ELEMENT = """
INSERT INTO elements
    (id, circle_id, slug, element_type, name, state, enabled_state, version, spec, meta, created_at, updated_at)
VALUES ($1, $1, $2, 'tenant', $2, 'ready', 'ready', 1, '{}', '{}', $3, $3)
"""


class ElementRow:
    """The least that stands for a circle."""

    async def create(self, tx: Transaction, circle: Circle) -> None:
        await tx.execute(_ELEMENT, circle.id, circle.name, circle.created_at)


class WalletRow:
    """A wallet without a ledger behind it."""

    async def grant(self, tx: Transaction, circle_id: UUID, amount_micro_au: int) -> None:
        await tx.execute(
            "INSERT INTO wallets (circle_id, balance_micro_au) VALUES ($1, $2)", circle_id, amount_micro_au
        )


def small_access(database: Database, data_dir: Path, clock: Clock, ids: Ids, *, dev_mode: bool = True) -> Access:
    """Everything real but the element, the wallet and the cost of a password. Two of them are two processes."""
    return Access.on(
        Ground(
            database=database,
            data_dir=data_dir,
            clock=clock,
            ids=ids,
            element=ElementRow(),
            wallet=WalletRow(),
            grant_micro_au=GRANT_MICRO_AU,
            dev_mode=dev_mode,
            known_operations=frozenset({"invoke", "get", "token_create", "members"}),
            passwords=Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)),
        )
    )
