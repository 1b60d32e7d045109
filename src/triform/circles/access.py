"""`access`: who may do what with an element, and by which role or key."""

from collections.abc import Mapping
from typing import Any, Protocol

from triform.chemistry.element_type import ElementType
from triform.chemistry.operation import Operation
from triform.circles.credential_store import CredentialStore
from triform.circles.model import ApiKey, Level, Principal, Role
from triform.circles.policy import may
from triform.circles.store import CircleStore
from triform.clock import Clock
from triform.reply import Reply
from triform.storage.database import Transaction


class AccessCall(Protocol):
    """The part of a call this looks at."""

    @property
    def principal(self) -> Principal: ...

    @property
    def type(self) -> ElementType: ...


class Access:
    def __init__(self, store: CircleStore, keys: CredentialStore, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock

    def table(self) -> Mapping[str, Any]:
        return {"access": self.access}

    async def access(self, call: AccessCall, tx: Transaction) -> Reply:
        """`{you, operations}`; for admins also `{members, keys}`."""
        principal = call.principal
        told = {
            "you": _you(principal),
            "operations": [_operation(each, principal) for each in call.type.operations.values()],
        }
        return Reply(told | await self._others(principal, tx) if principal.level is Level.admin else told)

    async def _others(self, principal: Principal, tx: Transaction) -> dict[str, Any]:
        members = await self._store.members(tx, principal.circle.id)
        keys = await self._keys.keys(tx, principal.circle.id)
        return {
            "members": [{"identity": each.identity, "role": each.role} for each in members],
            "keys": [_key(each) for each in keys if self._works(each)],
        }

    def _works(self, key: ApiKey) -> bool:
        return key.revoked_at is None and (key.expires_at is None or key.expires_at > self._clock.now())


def _you(principal: Principal) -> dict[str, Any]:
    return {
        "kind": principal.actor.kind,
        "id": principal.actor.id,
        "role": principal.role,
        "scopes": sorted(principal.scopes) or None,
        "level": principal.level.name,
    }


def _operation(operation: Operation, principal: Principal) -> dict[str, Any]:
    level = Level.__members__.get(operation.level)
    return {
        "operation": operation.name,
        "level": operation.level,
        "roles": [role for role in Role if level is not None and role.level >= level],
        "allowed": may(principal, operation.level, operation.name),
    }


def _key(key: ApiKey) -> dict[str, Any]:
    scopes = sorted(key.scopes) or None
    return {"token_id": str(key.id), "name": key.name, "role": key.role, "scopes": scopes}
