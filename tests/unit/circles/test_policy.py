from datetime import UTC, datetime
from uuid import uuid4

import pytest

from triform.circles.model import Actor, Circle, Level, Principal, Role
from triform.circles.policy import allow
from triform.errors import Forbidden


def principal(role: Role, *scopes: str) -> Principal:
    circle = Circle(uuid4(), "acme", datetime.now(UTC))
    return Principal(circle, uuid4(), Actor("user", "ada"), role, uuid4(), 1, frozenset(scopes))


REACH = {
    Role.viewer: {"none", "read"},
    Role.operator: {"none", "read", "execute"},
    Role.member: {"none", "read", "execute", "write"},
    Role.admin: {"none", "read", "execute", "write", "admin"},
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("level", Level)
def test_a_role_reaches_its_level_and_those_below(role: Role, level: Level) -> None:
    if level.name in REACH[role]:
        allow(principal(role), level, "op")
        allow(principal(role), level.name, "op")
        return
    with pytest.raises(Forbidden) as refusal:
        allow(principal(role), level.name, "op")
    assert refusal.value.suggestion is not None


@pytest.mark.parametrize(
    "level", ["", "Admin", "ADMIN", "owner", "superuser", "read ", "name", "__class__", 0, None, 99]
)
def test_an_unknown_level_is_refused_to_everybody(level: object) -> None:
    with pytest.raises(Forbidden, match="unknown level"):
        allow(principal(Role.admin), level, "op")  # type: ignore[arg-type]


def test_a_scoped_key_reaches_only_the_operations_it_names() -> None:
    key = principal(Role.admin, "invoke", "runs")
    allow(key, "execute", "invoke")
    with pytest.raises(Forbidden, match="may not call members"):
        allow(key, "none", "members")


def test_a_scope_lifts_nobody_above_the_role() -> None:
    with pytest.raises(Forbidden):
        allow(principal(Role.viewer, "invoke"), "execute", "invoke")
