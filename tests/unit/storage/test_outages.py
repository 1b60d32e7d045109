import asyncpg
import pytest

from triform.storage.errors import DatabaseUnavailable
from triform.storage.outages import typed


async def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        FileNotFoundError("socket"),
        TimeoutError(),
        asyncpg.ConnectionDoesNotExistError("lost"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.AdminShutdownError("bye"),
        asyncpg.CrashShutdownError("bye"),
        asyncpg.TooManyConnectionsError("full"),
        asyncpg.QueryCanceledError("statement timeout"),
        asyncpg.DiskFullError("no space"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
        asyncpg.InterfaceError("cannot call Connection.fetch(): connection has been released back to the pool"),
    ],
)
async def test_trouble_of_the_database_is_one_typed_retryable_error(error: Exception) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        await typed(_raise, error)
    failure = caught.value.failure()
    assert (failure.code, failure.kind, failure.retryable) == ("DATABASE_UNAVAILABLE", "unavailable", True)
    assert failure.suggestion is not None
    assert type(error).__name__ in caught.value.detail


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UniqueViolationError("twice"),
        asyncpg.DeadlockDetectedError("knot"),
        asyncpg.InterfaceError("the server expects 2 arguments for this query, 1 was passed"),
        asyncpg.InternalClientError("unexpected number of attributes"),
        ValueError("mine"),
    ],
)
async def test_mistakes_of_the_statement_pass_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        await typed(_raise, error)
    assert caught.value is error
