from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from triform.storage.database import Database

from .world import World, balanced, world


@pytest.fixture
async def acme(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    """A node with the defaults; the books must balance when it ends."""
    async with world(database, tmp_path) as running:
        yield running
    await balanced(database)
