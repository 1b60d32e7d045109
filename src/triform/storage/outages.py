"""Which driver errors mean that the database, not the statement, is the trouble."""

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

import asyncpg

from triform.errors import Suggestion
from triform.storage.errors import DatabaseUnavailable

T = TypeVar("T")
P = ParamSpec("P")

LOST = (
    OSError,  # refused, no socket, reset; TimeoutError is one of them
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
)
_GONE = ("closed", "closing", "released back", "cannot switch to state")
"""The last: Postgres has said that it ends this connection, which is about to close."""
_SLOW = (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError)
_FULL = (asyncpg.DiskFullError, asyncpg.OutOfMemoryError)


async def typed(call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Awaits the call, with `DatabaseUnavailable` in place of the driver's error when the database is the trouble.

    What the statement itself did wrong (constraints, syntax, deadlock) passes unchanged. The call is made
    here because the driver raises some of its errors before it returns an awaitable.
    """
    try:
        return await call(*args, **kwargs)
    except (*LOST, *_SLOW, *_FULL) as error:
        raise unavailable(error) from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        if not _is_closed(error):
            raise
        raise unavailable(error) from error


def unavailable(error: BaseException) -> DatabaseUnavailable:
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, _SLOW):
        return DatabaseUnavailable("The database took too long.", detail=detail)
    if isinstance(error, _FULL):
        return DatabaseUnavailable("The database has no room left.", detail=detail, suggestion=_NO_ROOM)
    return DatabaseUnavailable(detail=detail)


def _is_closed(error: Exception) -> bool:
    """The driver has one class for lost connections and for mistakes in calling it; the text tells."""
    return not isinstance(error, asyncpg.DataError) and any(word in str(error) for word in _GONE)


_NO_ROOM = Suggestion(
    why="The database's disk or memory is exhausted.",
    fix="Whoever runs this server: free space where the data directory lies, or give the machine more memory.",
)
