"""Making a circle: its row, its element, its first admin, its wallet and its own corner of the database.

All in one transaction, the schema and the login role included: a circle exists whole or not at all. Of two who
want the same name at once, the second waits for the first and then finds the name taken.
"""

from typing import Protocol
from uuid import UUID

import asyncpg

from triform.circles.errors import NameTaken, RolesNotAllowed
from triform.circles.keyring import Keyring
from triform.circles.model import Circle, Identity, Role
from triform.circles.scram import verifier
from triform.circles.store import CircleStore
from triform.storage.database import Transaction
from triform.storage.migrate import migrate_circle, quoted

CONNECTIONS_PER_CIRCLE = 20


class CircleElement(Protocol):
    """Makes the element that stands for a circle."""

    async def create(self, tx: Transaction, circle: Circle) -> None:
        """Writes the element whose id is `circle.id`."""


class Grant(Protocol):
    """Opens a circle's wallet."""

    async def grant(self, tx: Transaction, circle_id: UUID, amount_micro_au: int) -> None:
        """Writes the wallet, with the platform's gift in it; 0 is a gift of nothing."""


class Provision:
    def __init__(
        self, store: CircleStore, keyring: Keyring, element: CircleElement, wallet: Grant, grant_micro_au: int
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._element = element
        self._wallet = wallet
        self._grant_micro_au = grant_micro_au

    async def create(self, tx: Transaction, name: str, admin: Identity) -> Circle:
        """A new circle with `admin` as its admin. `name` has been checked. Raises NameTaken, RolesNotAllowed."""
        circle = await self._store.add_circle(tx, name)
        if circle is None:
            raise NameTaken(f"There is a circle named {name!r} already.")
        await self._store.put_member(tx, circle.id, admin.id, Role.admin)
        await self._element.create(tx, circle)
        await self._wallet.grant(tx, circle.id, self._grant_micro_au)
        await self._make_schema(tx, circle)
        return circle

    async def _make_schema(self, tx: Transaction, circle: Circle) -> None:
        try:
            await tx.execute(role_statement(circle, self._keyring.role_password(circle.id)))
        except asyncpg.InsufficientPrivilegeError as error:
            raise RolesNotAllowed(detail=str(error)) from error
        await migrate_circle(tx, schema=circle.schema, role=circle.schema)


def role_statement(circle: Circle, password: str) -> str:
    """Makes the login role. It carries a SCRAM verifier, so that no server log can hold the password."""
    return (
        f"CREATE ROLE {quoted(circle.schema)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION "
        f"NOBYPASSRLS CONNECTION LIMIT {CONNECTIONS_PER_CIRCLE} PASSWORD '{verifier(password)}'"
    )
