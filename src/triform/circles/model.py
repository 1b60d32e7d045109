"""Who is asking, in which circle, with how much power. Values only."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Literal
from uuid import UUID

ActorKind = Literal["user", "agent", "system", "external"]


class Level(IntEnum):
    """What an operation demands; ordered, so `held >= demanded` is the whole rule."""

    none = 0
    read = 1
    execute = 2
    write = 3
    admin = 4


class Role(StrEnum):
    """What a member or key was given."""

    viewer = "viewer"
    operator = "operator"
    member = "member"
    admin = "admin"

    @property
    def level(self) -> Level:
        return _LEVEL_OF[self]


_LEVEL_OF = {
    Role.viewer: Level.read,
    Role.operator: Level.execute,
    Role.member: Level.write,
    Role.admin: Level.admin,
}


@dataclass(frozen=True, slots=True)
class Circle:
    """A tenant. `id` is also the id of the element that stands for the circle itself."""

    id: UUID
    name: str
    created_at: datetime

    @property
    def schema(self) -> str:
        """The circle's own Postgres schema, which is also the name of its login role."""
        return f"circle_{self.id.hex}"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, as runs, versions and events record it."""

    kind: ActorKind
    id: str


@dataclass(frozen=True, slots=True)
class Principal:
    """A proven credential, bound to one circle.

    `credential_revision` is checked again inside the accepted commit: a stale cache costs a retry, never a
    run on behalf of someone who was shut out. `scopes` empty = everything the role allows; otherwise the
    operations (by name) it is limited to.
    """

    circle: Circle
    identity_id: UUID
    actor: Actor
    role: Role
    credential_id: UUID
    credential_revision: int
    scopes: frozenset[str] = frozenset()

    @property
    def level(self) -> Level:
        return self.role.level


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who can sign in, in as many circles as have made them a member. `password_hash` None: not yet."""

    id: UUID
    name: str
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Member:
    """An identity's place in a circle."""

    identity_id: UUID
    identity: str
    role: Role
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What may be told about an API key; its secret is not among it. `owner` is the identity that made it."""

    id: UUID
    name: str
    role: Role
    scopes: frozenset[str]
    owner: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a credential may do at the moment it was looked up. `session` tells sessions from API keys."""

    principal: Principal
    session: bool
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A stored refresh token. `used` ones were exchanged already; seeing one again means that it was copied."""

    credential_id: UUID
    expires_at: datetime
    used: bool


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session as its owner receives it. `expires_in` is the access token's, in seconds."""

    circle: Circle
    identity: str
    role: Role
    token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int


def on_behalf_of(circle_id: UUID, name: str, actor: Actor, at: datetime) -> Principal:
    """Who a run that was accepted earlier is carried out for. It can authorise nothing further."""
    nobody = UUID(int=0)
    circle = Circle(circle_id, name, at)
    return Principal(circle, nobody, actor, Role.viewer, nobody, 0, frozenset({"nothing"}))
