"""The database: a pool of connections, lanes for the group commit, and patience while Postgres restarts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeVar

import asyncpg

from triform.storage.errors import DatabaseUnavailable
from triform.storage.outages import typed
from triform.storage.transaction import (
    Connection,
    OwnConnection,
    Pool,
    PooledConnection,
    Row,
    Statements,
    Transaction,
)

__all__ = ["Database", "Lane", "Row", "Statements", "Transaction"]

T = TypeVar("T")

SESSION: Mapping[str, str] = MappingProxyType(
    {
        "application_name": "triform",
        "search_path": "triform",
        "timezone": "UTC",
        "statement_timeout": "30s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "60s",
        "jit": "off",
    }
)
"""What every connection starts with. Nobody sets session state later; `SET LOCAL` inside a transaction is fine."""

_DRIVER: Mapping[str, Any] = MappingProxyType(
    {"statement_cache_size": 512, "max_cached_statement_lifetime": 0, "timeout": 10.0}
)
"""Statements stay prepared for the life of their connection."""

_PAUSE_S = 0.05


class Database(Statements):
    """Open it with `async with Database(dsn) as database:` in the event loop that will use it.

    A lost connection is replaced on its next use. While Postgres is away (a restart takes some tenths of a
    second) callers wait for a connection up to `patience_s`, then get `DatabaseUnavailable`.
    """

    def __init__(self, dsn: str, *, pool_size: int = 16, patience_s: float = 5.0) -> None:
        self.dsn = dsn
        self._pool_size = pool_size
        self._patience_s = patience_s
        self._pool: Pool | None = None
        self._lanes: list[Lane] = []
        self.restarts: list[int] = []
        """The pids of servers that replaced one that had ended, where we supervise it ourselves."""

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Returns once a connection has succeeded. Raises `DatabaseUnavailable`."""
        self._pool = await self._patiently(self._new_pool)

    async def _new_pool(self) -> Pool:
        return await asyncpg.create_pool(
            self.dsn,
            min_size=1,
            max_size=self._pool_size,
            max_queries=1 << 40,  # A connection is not replaced for having worked a lot.
            reset=_nothing_to_reset,
            server_settings=dict(SESSION),
            **_DRIVER,
        )

    async def close(self) -> None:
        """Closes lanes and pool; statements under way get a few seconds."""
        for lane in self._lanes:
            await lane.close()
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            await asyncio.wait_for(pool.close(), 5.0)
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pool.terminate()

    def lane(self) -> "Lane":
        """A connection of its own, outside the pool, for one user at a time (a group commit's flush)."""
        lane = Lane(self._new_connection, self._patiently)
        self._lanes.append(lane)
        return lane

    async def _new_connection(self) -> OwnConnection:
        return await asyncpg.connect(self.dsn, server_settings=dict(SESSION), **_DRIVER)

    @asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Connection]:
        pool = self._pool
        if pool is None:
            raise DatabaseUnavailable(detail="the pool is not open")
        connection = await self._patiently(lambda: self._acquire(pool))
        try:
            yield connection
        finally:
            _end_if_unfinished(connection)
            with suppress(DatabaseUnavailable):
                await typed(pool.release, connection)

    async def _acquire(self, pool: Pool) -> PooledConnection:
        return await pool.acquire(timeout=self._patience_s)

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._patience_s
        while True:
            try:
                return await typed(attempt)
            except DatabaseUnavailable:
                if loop.time() + _PAUSE_S > give_up:
                    raise
            await asyncio.sleep(_PAUSE_S)

    async def ping(self) -> None:
        """One round trip. Raises `DatabaseUnavailable`."""
        await self.fetchval("select 1")


class Lane(Statements):
    """One connection, opened on first use and again whenever it was lost. Borrowers take turns."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[OwnConnection]],
        patiently: Callable[[Callable[[], Awaitable[OwnConnection]]], Awaitable[OwnConnection]],
    ) -> None:
        self._connect = connect
        self._patiently = patiently
        self._connection: OwnConnection | None = None
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Connection]:
        async with self._turn:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._patiently(self._connect)
            try:
                yield self._connection
            finally:
                _end_if_unfinished(self._connection)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(DatabaseUnavailable):
                await typed(connection.close, timeout=5.0)


def _end_if_unfinished(connection: Connection) -> None:
    """A commit or rollback that was interrupted leaves the connection unusable for the next one."""
    with suppress(asyncpg.InterfaceError):  # It was lost, and the pool has taken it back already.
        if not connection.is_closed() and connection.is_in_transaction():
            connection.terminate()


async def _nothing_to_reset(connection: OwnConnection) -> None:
    """The driver's default costs a round trip per use; we keep no session state that would need it."""
