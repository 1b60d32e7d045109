"""Identities, circles and members in Postgres. Rows in, values out; rules are elsewhere."""

from typing import TypeAlias
from uuid import UUID

from triform.circles.model import Circle, Identity, Member, Role
from triform.clock import Clock
from triform.errors import PlatformFault
from triform.ids import Ids
from triform.storage.database import Row, Statements, Transaction
from triform.storage.queries import load

Speaks: TypeAlias = Transaction | Statements
"""What speaks SQL: a transaction, or the database itself."""

QUERIES = load(__file__)


class CircleStore:
    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    async def identity(self, db: Speaks, name: str) -> Identity | None:
        row = await db.fetchrow(QUERIES["identity"], name)
        return Identity(**dict(row)) if row else None

    async def ensure_identity(self, tx: Transaction, name: str) -> tuple[Identity, bool]:
        """The identity of this name and whether it was made by this call; of two calls at once, one makes it."""
        row = await tx.fetchrow(QUERIES["add_identity"], self._ids.new(), name, self._clock.now())
        if row:
            return Identity(**dict(row)), True
        found = await self.identity(tx, name)
        if found is None:
            raise PlatformFault(detail="an identity vanished; identities are never deleted")
        return found, False

    async def set_first_password(self, tx: Transaction, identity_id: UUID, password_hash: str) -> str | None:
        """The identity's name; None, and nothing done, when it has a password already."""
        name: str | None = await tx.fetchval(QUERIES["set_first_password"], identity_id, password_hash)
        return name

    async def add_circle(self, tx: Transaction, name: str) -> Circle | None:
        """None when the name is taken; waits for another transaction that is about to take it."""
        return _circle(await tx.fetchrow(QUERIES["add_circle"], self._ids.new(), name, self._clock.now()))

    async def entry(self, db: Speaks, identity_id: UUID, name: str) -> Circle | None:
        """The circle of this name, when the identity may enter it; a foreign one is as good as absent."""
        return _circle(await db.fetchrow(QUERIES["entry"], identity_id, name))

    async def membership(self, db: Speaks, circle_id: UUID, identity_id: UUID) -> Circle | None:
        """The circle of this id, when the identity is a member of it."""
        return _circle(await db.fetchrow(QUERIES["membership"], circle_id, identity_id))

    async def home(self, db: Speaks, identity: Identity) -> Circle | None:
        """The circle it enters when it names none: the one of its own name, else its oldest membership."""
        return _circle(await db.fetchrow(QUERIES["home"], identity.id, identity.name))

    async def lock(self, tx: Transaction, circle_id: UUID) -> None:
        """From here to the end of `tx`, nobody else changes this circle's members and credentials."""
        await tx.execute(QUERIES["lock_circle"], circle_id)

    async def members(self, db: Speaks, circle_id: UUID) -> tuple[Member, ...]:
        """Oldest first."""
        return tuple(_member(row) for row in await db.fetch(QUERIES["members"], circle_id))

    async def member(self, db: Speaks, circle_id: UUID, identity: str) -> Member | None:
        row = await db.fetchrow(QUERIES["member"], circle_id, identity)
        return _member(row) if row else None

    async def put_member(self, tx: Transaction, circle_id: UUID, identity_id: UUID, role: Role) -> None:
        """Makes somebody a member, or changes the role. Credentials are the caller's to revise."""
        await tx.execute(QUERIES["put_member"], circle_id, identity_id, role.value, self._clock.now())

    async def remove_member(self, tx: Transaction, circle_id: UUID, identity_id: UUID) -> None:
        await tx.execute(QUERIES["remove_member"], circle_id, identity_id)

    async def has_other_admin(self, tx: Transaction, circle_id: UUID, identity_id: UUID) -> bool:
        return bool(await tx.fetchval(QUERIES["other_admin"], circle_id, identity_id))

    async def is_member_elsewhere(self, tx: Transaction, circle_id: UUID, identity_id: UUID) -> bool:
        return bool(await tx.fetchval(QUERIES["member_elsewhere"], identity_id, circle_id))

    async def admin_can_sign_in(self, db: Speaks) -> bool:
        """Whether any circle has an admin with a password."""
        return bool(await db.fetchval(QUERIES["admin_can_sign_in"]))


def _circle(row: Row | None) -> Circle | None:
    return Circle(**dict(row)) if row else None


def _member(row: Row) -> Member:
    return Member(row["identity_id"], row["identity"], Role(row["role"]), row["created_at"])
