"""May this principal do that? Everything not understood is refused."""

from triform.circles.model import Level, Principal
from triform.errors import Forbidden, Suggestion


def allow(principal: Principal, demanded: Level | str, operation: str) -> None:
    """Returns when `principal` may call `operation`, which demands `demanded`; raises Forbidden otherwise.

    A scoped key is limited to the operations it names, whatever its role; an unknown level is above everybody.
    """
    level = _level(demanded)
    if level is None:
        raise Forbidden(f"{operation} demands an unknown level and is refused to everybody.", suggestion=_UNKNOWN)
    if principal.scopes and operation not in principal.scopes:
        raise Forbidden(f"This API key may not call {operation}.", suggestion=_out_of_scope(principal))
    if principal.level < level:
        raise Forbidden(f"{operation} needs {level.name}.", suggestion=_too_low(principal, level))


def may(principal: Principal, demanded: Level | str, operation: str) -> bool:
    """The same as an answer, for what is shown rather than done."""
    try:
        allow(principal, demanded, operation)
    except Forbidden:
        return False
    return True


def _level(demanded: Level | str) -> Level | None:
    if isinstance(demanded, Level):
        return demanded
    return Level.__members__.get(demanded) if isinstance(demanded, str) else None


_UNKNOWN = Suggestion(
    why="What cannot be judged is not allowed.",
    fix="Declare one of none, read, execute, write, admin as the operation's level.",
)


def _out_of_scope(principal: Principal) -> Suggestion:
    return Suggestion(
        why=f"The key is limited to: {', '.join(sorted(principal.scopes))}.",
        fix="Use another credential, or make a key whose scopes include this operation.",
        op="token_create",
    )


def _too_low(principal: Principal, level: Level) -> Suggestion:
    return Suggestion(
        why=f"Your role {principal.role} reaches {principal.level.name}; this operation needs {level.name}.",
        fix="Ask an admin of the circle for a role that reaches further.",
        op="member_set",
    )
