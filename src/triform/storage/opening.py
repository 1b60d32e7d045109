"""The database of a node: started when it is ours, and at the present schema."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from triform.storage.database import Database
from triform.storage.embedded import EmbeddedPostgres
from triform.storage.embedded.lock import HomeLock
from triform.storage.embedded.running import has_data, running_dsn
from triform.storage.errors import DatabaseUnavailable
from triform.storage.migrate import migrate_circles, migrate_platform

_PATIENCE_S = 0.5


@contextmanager
def claimed(data_dir: Path) -> Iterator[None]:
    """The data directory for this process alone, whoever's the database is. Raises DataDirInUse."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = HomeLock(data_dir / "server.lock")
    lock.take()
    try:
        yield
    finally:
        lock.release()


@asynccontextmanager
async def opened(dsn: str | None, folder: Path) -> AsyncIterator[Database]:
    """`dsn` None = a Postgres of our own in `folder`. Raises DatabaseUnavailable or MigrationRefused."""
    restarts: list[int] = []
    async with AsyncExitStack() as stack:
        if dsn is None:
            dsn = await stack.enter_async_context(EmbeddedPostgres(folder, restarted=restarts.append))
        database = await stack.enter_async_context(Database(dsn))
        database.restarts = restarts
        await migrate_platform(database)
        await migrate_circles(database)
        yield database


@asynccontextmanager
async def reached(dsn: str | None, folder: Path) -> AsyncIterator[Database | None]:
    """The database as it is, for a command beside the server: that of the server, or started for this while.

    `dsn` and `folder` as for `opened`. None when there has never been one. Raises DatabaseUnavailable.
    """
    async with AsyncExitStack() as stack:
        if dsn is not None:
            yield await stack.enter_async_context(Database(dsn))
        elif has_data(folder):
            yield await _running(stack, folder) or await _started(stack, folder)
        else:
            yield None


async def _running(stack: AsyncExitStack, folder: Path) -> Database | None:
    """A server that was killed says for ever that it runs."""
    dsn = running_dsn(folder)
    if dsn is None:
        return None
    with suppress(DatabaseUnavailable):
        return await stack.enter_async_context(Database(dsn, patience_s=_PATIENCE_S))
    return None


async def _started(stack: AsyncExitStack, folder: Path) -> Database:
    return await stack.enter_async_context(Database(await stack.enter_async_context(EmbeddedPostgres(folder))))
