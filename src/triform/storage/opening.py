"""The database of a node: started when it is ours, and at the present schema."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from triform.storage.database import Database
from triform.storage.embedded import EmbeddedPostgres
from triform.storage.migrate import migrate_circles, migrate_platform


@asynccontextmanager
async def opened(dsn: str | None, folder: Path) -> AsyncIterator[Database]:
    """`dsn` None = a Postgres of our own in `folder`. Raises DatabaseUnavailable or MigrationRefused."""
    async with AsyncExitStack() as stack:
        if dsn is None:
            dsn = await stack.enter_async_context(EmbeddedPostgres(folder))
        database = await stack.enter_async_context(Database(dsn))
        await migrate_platform(database)
        await migrate_circles(database)
        yield database
