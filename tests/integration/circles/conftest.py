from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from triform.circles.model import Principal
from triform.ids import Ids
from triform.reply import Reply
from triform.storage.database import Database
from triform.testing.circles import Access, small_access
from triform.testing.clock import FakeClock

Build = Callable[..., Access]
Act = Callable[..., Awaitable[Reply]]


@pytest.fixture
def build(database: Database, tmp_path: Path, clock: FakeClock, ids: Ids) -> Build:
    """A room over the test's database; called again, it is another process of the same installation."""

    def build(*, dev_mode: bool = True, data_dir: Path = tmp_path) -> Access:
        return small_access(database, data_dir, clock, ids, dev_mode=dev_mode)

    return build


@pytest.fixture
def access(build: Build) -> Access:
    return build()


@dataclass
class Asked:
    principal: Principal
    arguments: dict[str, Any]

    def argument(self, name: str, default: Any = None) -> Any:
        return self.arguments.get(name, default)


@pytest.fixture
def act(access: Access, database: Database) -> Act:
    """Carries out one operation with a bearer token, as the executor does."""

    async def act(bearer: str, operation: str, **arguments: Any) -> Reply:
        principal = await access.credentials.principal(f"Bearer {bearer}", None)
        async with database.transaction() as tx:
            reply = await access.operations.table()[operation](Asked(principal, arguments), tx)
        for then in reply.after_commit:
            then()
        return reply

    return act
