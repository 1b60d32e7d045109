"""The database of a node: started when it is ours, and at the present schema."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from triform.storage.database import Database
from triform.storage.embedded import EmbeddedPostgres
from triform.storage.embedded.lock import HomeLock
from triform.storage.migrate import migrate_circles, migrate_platform


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
