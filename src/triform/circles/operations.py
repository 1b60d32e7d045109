"""What a circle's admins do about members and API keys. Every operation here demands `admin`.

Whatever changes somebody's power first takes the circle's lock, then looks again whether the caller still has
the power to do so: of two admins who demote each other, the second is told that it is too late.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from triform.circles import arguments
from triform.circles.credential_store import CredentialStore
from triform.circles.credentials import Credentials
from triform.circles.errors import LastAdmin
from triform.circles.links import LoginLinks
from triform.circles.model import ApiKey, Identity, Level, Member, Principal, Role
from triform.circles.opaque import API_KEY, mint
from triform.circles.policy import allow
from triform.circles.store import CircleStore
from triform.clock import Clock, rfc3339
from triform.errors import Forbidden, NotFound, Suggestion, Unauthenticated
from triform.ids import Ids
from triform.reply import Reply
from triform.storage.database import Transaction


class CircleCall(Protocol):
    """The part of a call these operations look at."""

    @property
    def principal(self) -> Principal: ...

    def argument(self, name: str, default: Any = None) -> Any: ...


CircleOperation: TypeAlias = Callable[[Any, Transaction], Awaitable[Reply]]


class CircleOperations:
    """`known_operations`: every operation name that a key's scopes may name. `invites`: outside dev mode."""

    def __init__(
        self,
        store: CircleStore,
        keys: CredentialStore,
        credentials: Credentials,
        links: LoginLinks | None,
        known_operations: frozenset[str],
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._keys = keys
        self._credentials = credentials
        self._links = links
        self._known_operations = known_operations
        self._clock = clock
        self._ids = ids

    def table(self) -> Mapping[str, CircleOperation]:
        return {
            "members": self.members,
            "member_set": self.member_set,
            "member_remove": self.member_remove,
            "tokens": self.tokens,
            "token_create": self.token_create,
            "token_revoke": self.token_revoke,
        }

    async def members(self, call: CircleCall, tx: Transaction) -> Reply:
        """`{members: [{identity, role, created_at}]}`, oldest first."""
        members = await self._store.members(tx, call.principal.circle.id)
        return Reply({"members": [_member_json(member) for member in members]})

    async def member_set(self, call: CircleCall, tx: Transaction) -> Reply:
        """`{identity, role}` → `{identity, role, created, login_link?}`. Raises LastAdmin, InvalidInput.

        `login_link` goes to an identity that nobody has claimed and that no other circle has as a member; it
        is shown once.
        """
        name, role = arguments.identity(call), arguments.role(call)
        caller = await self._alone(call, tx, "member_set")
        circle_id = caller.circle.id
        before = await self._store.member(tx, circle_id, name)
        if before and before.role is Role.admin and role is not Role.admin:
            await self._spare_the_last_admin(tx, circle_id, before.identity_id)
        person, _ = await self._store.ensure_identity(tx, name)
        await self._store.put_member(tx, circle_id, person.id, role)
        await self._keys.touch_of_member(tx, circle_id, person.id)
        shown = {"identity": name, "role": role.value, "created": before is None}
        return Reply(
            shown | await self._invitation(tx, circle_id, person),
            recorded=shown,
            after_commit=self._forget_member(circle_id, person.id),
        )

    async def member_remove(self, call: CircleCall, tx: Transaction) -> Reply:
        """`{identity}` → the former member; its sessions and keys end. Raises NotFound, LastAdmin."""
        name = arguments.identity(call)
        circle_id = (await self._alone(call, tx, "member_remove")).circle.id
        member = await self._store.member(tx, circle_id, name)
        if member is None:
            raise NotFound(f"{name} is no member of this circle.", suggestion=_NO_MEMBER)
        if member.role is Role.admin:
            await self._spare_the_last_admin(tx, circle_id, member.identity_id)
        await self._keys.revoke_of_member(tx, circle_id, member.identity_id)
        await self._store.remove_member(tx, circle_id, member.identity_id)
        return Reply(
            _member_json(member) | {"removed": True},
            after_commit=self._forget_member(circle_id, member.identity_id),
        )

    async def tokens(self, call: CircleCall, tx: Transaction) -> Reply:
        """`{tokens: [{token_id, name, role, scopes, created_by, created_at, expires_at}]}`, newest first."""
        keys = await self._keys.keys(tx, call.principal.circle.id)
        return Reply({"tokens": [_key_json(key) for key in keys]})

    async def token_create(self, call: CircleCall, tx: Transaction) -> Reply:
        """`{name, role, scopes?, expires_at?}` → the key's facts and `token`, shown once.

        Raises Forbidden for a role above the caller's own; a scoped key makes only keys within its scopes.
        """
        role, now = arguments.role(call), self._clock.now()
        name, expires_at = arguments.key_name(call), arguments.expires_at(call, now)
        asked = arguments.scopes(call, self._known_operations)
        caller = await self._alone(call, tx, "token_create")
        scopes = _scopes(asked, caller)
        if role.level > caller.level:
            raise Forbidden(f"A key cannot be given more than your own role, {caller.role}.", suggestion=_LESS)
        secret = mint(API_KEY)
        owner = caller.actor.id.partition("/")[0]
        key = ApiKey(self._ids.new(), name, role, scopes, owner, now, expires_at)
        await self._keys.add_key(tx, caller.circle.id, caller.identity_id, key, secret.digest)
        shown = _key_json(key)
        return Reply(shown | {"token": secret.text}, recorded=shown)

    async def token_revoke(self, call: CircleCall, tx: Transaction) -> Reply:
        """`{token_id}` → the key's facts and `revoked_at`; revoking again changes nothing. Raises NotFound."""
        key_id = arguments.token_id(call)
        circle_id = (await self._alone(call, tx, "token_revoke")).circle.id
        key = await self._keys.revoke_key(tx, circle_id, key_id)
        if key is None or key.revoked_at is None:
            raise NotFound("This circle has no API key of this id.", suggestion=_NO_KEY)
        return Reply(
            _key_json(key) | {"revoked_at": rfc3339(key.revoked_at)},
            after_commit=(partial(self._credentials.forget, key_id),),
        )

    async def _alone(self, call: CircleCall, tx: Transaction, operation: str) -> Principal:
        """The caller as of now; from here to the end of `tx` nobody else changes powers in this circle."""
        await self._store.lock(tx, call.principal.circle.id)
        standing = await self._keys.standing(tx, call.principal.credential_id)
        if standing is None:
            raise Unauthenticated("This credential was revoked a moment ago.")
        allow(standing.principal, Level.admin, operation)
        return standing.principal

    async def _spare_the_last_admin(self, tx: Transaction, circle_id: UUID, identity_id: UUID) -> None:
        if not await self._store.has_other_admin(tx, circle_id, identity_id):
            raise LastAdmin

    async def _invitation(self, tx: Transaction, circle_id: UUID, person: Identity) -> dict[str, str]:
        if self._links is None or person.password_hash is not None:
            return {}
        if await self._store.is_member_elsewhere(tx, circle_id, person.id):
            return {}
        return {"login_link": await self._links.add(tx, person.id, circle_id)}

    def _forget_member(self, circle_id: UUID, identity_id: UUID) -> tuple[Callable[[], None]]:
        return (partial(self._credentials.forget_member, circle_id, identity_id),)


def _scopes(asked: frozenset[str] | None, caller: Principal) -> frozenset[str]:
    if asked is None:
        return caller.scopes
    if caller.scopes and not asked <= caller.scopes:
        raise Forbidden("A scoped key makes only keys within its own scopes.", suggestion=_LESS)
    return asked


def _member_json(member: Member) -> dict[str, Any]:
    return {"identity": member.identity, "role": member.role.value, "created_at": rfc3339(member.created_at)}


def _key_json(key: ApiKey) -> dict[str, Any]:
    return {
        "token_id": str(key.id),
        "name": key.name,
        "role": key.role.value,
        "scopes": sorted(key.scopes),
        "created_by": key.owner,
        "created_at": rfc3339(key.created_at),
        "expires_at": rfc3339(key.expires_at) if key.expires_at else None,
    }


_NO_MEMBER = Suggestion(
    why="Nobody of this name belongs to the circle.", fix="The members are listed.", op="members"
)
_NO_KEY = Suggestion(why="It belongs to another circle, or never was.", fix="The keys are listed.", op="tokens")
_LESS = Suggestion(
    why="Otherwise a key could be used to get more power than one has.",
    fix="Ask for a lower role, or for scopes that you have yourself.",
)
