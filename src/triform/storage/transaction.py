"""What stores are given to speak SQL with, and the promise of all or nothing around it."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from triform.storage.errors import DatabaseUnavailable
from triform.storage.outages import typed
from triform.storage.queries import Query, text_of

Row: TypeAlias = asyncpg.Record
"""One row: by name `row["slug"]`, by place, or `dict(row)`."""

# Quoted, since the driver's classes take parameters for type checkers only.
Pool: TypeAlias = "asyncpg.Pool[Row]"
OwnConnection: TypeAlias = "asyncpg.Connection[Row]"
PooledConnection: TypeAlias = "PoolConnectionProxy[Row]"
Connection: TypeAlias = "OwnConnection | PooledConnection"


class Transaction:
    """Statements on one connection; `query` is a named query (or SQL text) with `$1`, `$2` … for `values`.

    Raises `DatabaseUnavailable` when the connection is lost or too slow; errors of the statement itself
    (`asyncpg.UniqueViolationError` …) come as the driver raises them.
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(self, query: Query | str, *values: Any) -> list[Row]:
        return await typed(self._connection.fetch, text_of(query), *values)

    async def fetchrow(self, query: Query | str, *values: Any) -> Row | None:
        """The first row, or None."""
        return await typed(self._connection.fetchrow, text_of(query), *values)

    async def fetchval(self, query: Query | str, *values: Any) -> Any:
        """The first column of the first row, or None."""
        return await typed(self._connection.fetchval, text_of(query), *values)

    async def execute(self, query: Query | str, *values: Any) -> int:
        """How many rows it touched. Without values, `query` may be several statements."""
        status = await typed(self._connection.execute, text_of(query), *values)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def executemany(self, query: Query | str, rows: Iterable[Sequence[Any]]) -> None:
        """The same statement for every row, in one round trip, all or nothing."""
        await typed(self._connection.executemany, text_of(query), rows)

    @asynccontextmanager
    async def part(self) -> AsyncIterator[None]:
        """Undone alone when the block raises; the transaction goes on."""
        savepoint = self._connection.transaction()
        await typed(savepoint.start)
        try:
            yield
        except BaseException:
            with suppress(DatabaseUnavailable):
                await typed(savepoint.rollback)
            raise
        await typed(savepoint.commit)


class Statements(ABC):
    """Something that can lend a connection: each method on its own, or many inside `transaction()`."""

    @abstractmethod
    def borrowed(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for the length of the block. Raises `DatabaseUnavailable`."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Committed when the block ends, rolled back when it raises.

        Raises `DatabaseUnavailable`; when that happens at the commit itself, whether it was committed is
        unknown, so what must not happen twice carries its own id.
        """
        async with self.borrowed() as connection:
            transaction = connection.transaction()
            await typed(transaction.start)
            try:
                yield Transaction(connection)
            except BaseException:
                with suppress(DatabaseUnavailable):  # The reason for rolling back matters more.
                    await typed(transaction.rollback)
                raise
            await typed(transaction.commit)

    async def fetch(self, query: Query | str, *values: Any) -> list[Row]:
        async with self.borrowed() as connection:
            return await Transaction(connection).fetch(query, *values)

    async def fetchrow(self, query: Query | str, *values: Any) -> Row | None:
        async with self.borrowed() as connection:
            return await Transaction(connection).fetchrow(query, *values)

    async def fetchval(self, query: Query | str, *values: Any) -> Any:
        async with self.borrowed() as connection:
            return await Transaction(connection).fetchval(query, *values)

    async def execute(self, query: Query | str, *values: Any) -> int:
        async with self.borrowed() as connection:
            return await Transaction(connection).execute(query, *values)

    async def executemany(self, query: Query | str, rows: Iterable[Sequence[Any]]) -> None:
        async with self.borrowed() as connection:
            await Transaction(connection).executemany(query, rows)
