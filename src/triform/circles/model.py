"""Who is asking, in which circle, with how much power. Values only."""

from dataclasses import dataclass
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
