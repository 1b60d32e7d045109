"""Credentials in Postgres: sessions, API keys, refresh tokens. Secrets arrive and stay as hashes."""

from datetime import datetime
from uuid import UUID

from triform.circles.model import Actor, ApiKey, Circle, Principal, RefreshToken, Role, Standing
from triform.circles.store import QUERIES, Speaks
from triform.clock import Clock
from triform.ids import Ids
from triform.storage.database import Row, Transaction


class CredentialStore:
    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    async def standing(self, db: Speaks, credential_id: UUID) -> Standing | None:
        """What the credential may do now; None when revoked, expired, unknown, or its owner is no member."""
        row = await db.fetchrow(QUERIES["standing"], credential_id, self._clock.now())
        return _standing(row) if row else None

    async def key_of_secret(self, db: Speaks, secret_hash: bytes) -> UUID | None:
        found: UUID | None = await db.fetchval(QUERIES["key_of_secret"], secret_hash)
        return found

    async def add_session(self, tx: Transaction, circle_id: UUID, identity_id: UUID, expires_at: datetime) -> UUID:
        session_id = self._ids.new()
        await tx.execute(QUERIES["add_session"], session_id, circle_id, identity_id, self._clock.now(), expires_at)
        return session_id

    async def add_key(
        self, tx: Transaction, circle_id: UUID, identity_id: UUID, key: ApiKey, secret_hash: bytes
    ) -> None:
        await tx.execute(
            QUERIES["add_key"], key.id, circle_id, identity_id, key.name, key.role.value, sorted(key.scopes),
            secret_hash, key.created_at, key.expires_at,
        )  # fmt: skip

    async def keys(self, db: Speaks, circle_id: UUID) -> tuple[ApiKey, ...]:
        """The circle's keys that have not been revoked, newest first."""
        return tuple(_key(row) for row in await db.fetch(QUERIES["keys"], circle_id))

    async def revoke_key(self, tx: Transaction, circle_id: UUID, key_id: UUID) -> ApiKey | None:
        """The key, revoked now or before; None when the circle has no such key."""
        row = await tx.fetchrow(QUERIES["revoke_key"], circle_id, key_id, self._clock.now())
        return _key(row) if row else None

    async def revoke_session(self, db: Speaks, session_id: UUID) -> bool:
        """Whether a living session was ended."""
        return await db.fetchval(QUERIES["revoke_session"], session_id, self._clock.now()) is not None

    async def revoke_of_member(self, tx: Transaction, circle_id: UUID, identity_id: UUID) -> None:
        await tx.execute(QUERIES["revoke_of_member"], circle_id, identity_id, self._clock.now())

    async def touch_of_member(self, tx: Transaction, circle_id: UUID, identity_id: UUID) -> None:
        """Raises the revision of all the member's credentials: what others remember of them is stale."""
        await tx.execute(QUERIES["touch_of_member"], circle_id, identity_id)

    async def add_refresh_token(
        self, tx: Transaction, session_id: UUID, token_hash: bytes, expires_at: datetime
    ) -> None:
        await tx.execute(QUERIES["add_refresh_token"], token_hash, session_id, self._clock.now(), expires_at)

    async def refresh_token(self, tx: Transaction, token_hash: bytes) -> RefreshToken | None:
        """Held until `tx` ends: of two exchanges of one token, the second sees the first."""
        row = await tx.fetchrow(QUERIES["refresh_token"], token_hash)
        return RefreshToken(**dict(row)) if row else None

    async def use_refresh_token(self, tx: Transaction, token_hash: bytes) -> None:
        await tx.execute(QUERIES["use_refresh_token"], token_hash, self._clock.now())

    async def forget_ended(self, tx: Transaction, before: datetime) -> int:
        """Deletes sessions that ended, and links that expired, before then; how many."""
        sessions = await tx.execute(QUERIES["forget_sessions"], before)
        return sessions + await tx.execute(QUERIES["forget_links"], before)


def _standing(row: Row) -> Standing:
    principal = Principal(
        circle=Circle(row["circle_id"], row["circle"], row["circle_created_at"]),
        identity_id=row["identity_id"],
        actor=_actor(row),
        role=_power(Role(row["member_role"]), row["key_role"]),
        credential_id=row["id"],
        credential_revision=row["revision"],
        scopes=frozenset(row["scopes"]),
    )
    return Standing(principal, row["kind"] == "session", row["expires_at"])


def _power(member: Role, key: str | None) -> Role:
    """A key never reaches further than its owner does at the moment."""
    return member if key is None else min(member, Role(key), key=lambda role: role.level)


def _actor(row: Row) -> Actor:
    """A session acts as the identity itself, a key as a program on its behalf: `ada/ci`."""
    if row["kind"] == "session":
        return Actor("user", row["identity"])
    return Actor("agent", f"{row['identity']}/{row['name']}")


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        role=Role(row["role"]),
        scopes=frozenset(row["scopes"]),
        owner=row["owner"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
