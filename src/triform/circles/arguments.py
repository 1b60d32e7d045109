"""The arguments of a circle's operations, read strictly: each is right, or InvalidInput says where it is not."""

from datetime import UTC, datetime
from typing import Any, NoReturn, Protocol
from uuid import UUID

from triform.circles.model import Role
from triform.circles.names import fits_one_line, identity_name
from triform.clock import read_rfc3339
from triform.errors import Complaint, InvalidInput, Suggestion

_LONGEST_NAME = 64
_MOST_SCOPES = 100


class Arguments(Protocol):
    def argument(self, name: str, default: Any = None) -> Any: ...


def identity(call: Arguments) -> str:
    return identity_name(call.argument("identity"))


def role(call: Arguments) -> Role:
    asked = call.argument("role")
    if not isinstance(asked, str) or asked not in Role.__members__:
        _refuse("/role", "must be one of viewer, operator, member, admin", "viewer")
    return Role(asked)


def key_name(call: Arguments) -> str:
    """1 to 64 characters on one line. It becomes part of the actor's id, so it may not contain `/`."""
    name = call.argument("name")
    if not isinstance(name, str) or not fits_one_line(name) or len(name) > _LONGEST_NAME or "/" in name:
        _refuse("/name", f"must be 1 to {_LONGEST_NAME} characters on one line, without /", "ci")
    if name != name.strip():
        _refuse("/name", "must not begin or end with a space", name.strip() or "ci")
    return name


def scopes(call: Arguments, known: frozenset[str]) -> frozenset[str] | None:
    """The operation names; None when not asked for. An empty list could be meant either way and is refused."""
    asked = call.argument("scopes")
    if asked is None:
        return None
    if not isinstance(asked, list) or not 1 <= len(asked) <= _MOST_SCOPES:
        _refuse("/scopes", "must name operations; leave it out for all that the role allows", ["invoke"])
    for position, name in enumerate(asked):
        if not isinstance(name, str) or name not in known:
            _refuse(f"/scopes/{position}", "is not the name of an operation", "invoke")
    return frozenset(asked)


def expires_at(call: Arguments, now: datetime) -> datetime | None:
    """A moment to come, in RFC 3339 with its offset; None = never."""
    asked = call.argument("expires_at")
    if asked is None:
        return None
    try:
        moment = read_rfc3339(asked)
        late_enough = moment > now
        moment = moment.astimezone(UTC)
    except (ValueError, AttributeError, OverflowError):
        _refuse("/expires_at", "must be a time like 2030-01-31T12:00:00Z", "2030-01-31T12:00:00Z")
    if not late_enough:
        _refuse("/expires_at", "must lie in the future", "2030-01-31T12:00:00Z")
    return moment


def token_id(call: Arguments) -> UUID:
    try:
        return UUID(call.argument("token_id"))
    except (ValueError, TypeError, AttributeError):
        _refuse("/token_id", "must be the token_id of a key", None)


def _refuse(pointer: str, rule: str, example: Any) -> NoReturn:
    raise InvalidInput(
        f"{pointer[1:]}: {rule}.",
        errors=(Complaint(pointer, rule),),
        suggestion=Suggestion(why=f"The value {rule}.", fix="Correct it and try again.", example=example),
    )
