"""Another connection's change that is committed only once somebody waits for what it holds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from triform.storage.database import Database

_WAITING = "select count(*) from pg_locks where not granted"


@asynccontextmanager
async def meanwhile(database: Database, *changes: str) -> AsyncIterator[None]:
    """Made before the block and committed within it: whoever did not wait has read what was there before."""
    made = asyncio.Event()

    async def other() -> None:
        async with database.transaction() as tx, asyncio.timeout(30):
            for change in changes:
                await tx.execute(change)
            made.set()
            while not await tx.fetchval(_WAITING):  # noqa: ASYNC110 - Postgres tells nobody
                await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await made.wait()
    try:
        yield
    finally:
        await task
