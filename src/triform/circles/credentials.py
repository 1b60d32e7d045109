"""From what a request presents to who is asking. `Authorization` decides alone when it is there.

What a credential may do is remembered for at most two seconds, and forgotten at once when this process changes
it; whoever acts on it compares `credential_revision` in the transaction that acts.
"""

import hashlib
import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from triform.circles.credential_store import CredentialStore
from triform.circles.model import Principal, Standing
from triform.circles.opaque import API_KEY, digest_of
from triform.circles.tokens import AccessTokens
from triform.clock import Clock
from triform.errors import Suggestion, Unauthenticated
from triform.storage.database import Database

K = TypeVar("K")
V = TypeVar("V")

FRESH_S = 2.0
"""How long a memory is trusted: the bound on what other processes changed."""
REMEMBERED = 10_000
"""Credentials kept in memory; the oldest memories go first."""
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class _Ticket:
    """A presented secret that was found genuine. `expires_at` in Unix seconds; a key ends with its credential."""

    credential_id: UUID
    expires_at: float


@dataclass(frozen=True, slots=True)
class _Memory:
    standing: Standing
    until: float


class Credentials:
    def __init__(self, database: Database, store: CredentialStore, tokens: AccessTokens, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._tokens = tokens
        self._clock = clock
        self._tickets: OrderedDict[bytes, _Ticket] = OrderedDict()
        self._memories: OrderedDict[UUID, _Memory] = OrderedDict()
        self._forgotten = 0

    async def principal(self, authorization: str | None, cookie: str | None) -> Principal:
        """Who is asking, by the `Authorization` header or else the cookie. Raises Unauthenticated.

        The header decides alone: when it is present and worth nothing, the cookie is not looked at.
        """
        return (await self.standing(authorization, cookie)).principal

    async def standing(self, authorization: str | None, cookie: str | None) -> Standing:
        """As `principal`, with the credential's kind and end."""
        presented = _bearer(authorization) if authorization is not None else cookie
        if not presented:
            raise Unauthenticated
        ticket = await self._ticket(presented)
        return await self._standing(ticket.credential_id)

    async def reload(self, principal: Principal) -> Principal:
        """The same credential as it is now in the database. Raises Unauthenticated when it ended."""
        self.forget(principal.credential_id)
        return (await self._standing(principal.credential_id)).principal

    def forget(self, credential_id: UUID) -> None:
        """Look again next time. To be called after the commit of what changed the credential."""
        self._forgotten += 1
        self._memories.pop(credential_id, None)

    def forget_member(self, circle_id: UUID, identity_id: UUID) -> None:
        """As `forget`, for everything this member holds."""
        self._forgotten += 1
        for credential_id, memory in list(self._memories.items()):
            principal = memory.standing.principal
            if principal.circle.id == circle_id and principal.identity_id == identity_id:
                del self._memories[credential_id]

    async def _ticket(self, presented: str) -> _Ticket:
        if len(presented) > _LONGEST or not presented.isascii():
            raise Unauthenticated("The credential is neither an access token nor an API key.")
        seen_as = hashlib.sha256(presented.encode("ascii")).digest()
        ticket = self._tickets.get(seen_as)
        if ticket is None or ticket.expires_at <= self._clock.now().timestamp():
            ticket = await self._examine(presented)
            _keep(self._tickets, seen_as, ticket)
        return ticket

    async def _examine(self, presented: str) -> _Ticket:
        if presented.startswith(API_KEY):
            return await self._examine_key(presented)
        claims = self._tokens.read(presented)
        return _Ticket(claims.credential_id, claims.expires_at)

    async def _examine_key(self, presented: str) -> _Ticket:
        digest = digest_of(presented, API_KEY)
        if digest is None:
            raise Unauthenticated("This API key was mistyped or cut short.", suggestion=_MISTYPED)
        credential_id = await self._store.key_of_secret(self._database, digest)
        if credential_id is None:
            raise Unauthenticated("This API key is unknown or was revoked.", suggestion=_ENDED_KEY)
        return _Ticket(credential_id, math.inf)

    async def _standing(self, credential_id: UUID) -> Standing:
        memory = self._memories.get(credential_id)
        if memory is None or memory.until <= self._clock.monotonic():
            memory = await self._load(credential_id)
        expires_at = memory.standing.expires_at
        if expires_at is not None and expires_at <= self._clock.now():
            raise Unauthenticated("This credential has expired.", suggestion=_ENDED)
        return memory.standing

    async def _load(self, credential_id: UUID) -> _Memory:
        began, until = self._forgotten, self._clock.monotonic() + FRESH_S
        standing = await self._store.standing(self._database, credential_id)
        if standing is None:
            self._memories.pop(credential_id, None)
            raise Unauthenticated("This credential was revoked or has expired.", suggestion=_ENDED)
        memory = _Memory(standing, until)
        if began == self._forgotten:  # What changed while we were reading may have been read as it was before.
            _keep(self._memories, credential_id, memory)
        return memory


def _bearer(authorization: str) -> str:
    scheme, _, presented = authorization.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("The Authorization header is not of the form `Bearer …`.")
    return presented.strip()


def _keep(memory: OrderedDict[K, V], key: K, value: V) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)


_MISTYPED = Suggestion(
    why="Its checksum does not fit: a character is missing or wrong.",
    fix="Copy the whole key again: trif_ and 49 letters and digits.",
)
_ENDED_KEY = Suggestion(
    why="No living API key has this secret.",
    fix="Ask an admin of the circle for a new key.",
    op="token_create",
)
_ENDED = Suggestion(
    why="It was revoked, its time is over, or its owner is no longer a member of the circle.",
    fix="Sign in again, or ask an admin of the circle for a new key.",
)
