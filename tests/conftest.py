"""The world tests are built from: one Postgres per test process, one fresh database per test."""

import fcntl
import gc
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.copies import DataDirs, copy_of
from tests.hunting import register_profiles
from triform.ids import Ids
from triform.observability.logging import configure_logging
from triform.storage.database import Database
from triform.storage.dsn import at_database
from triform.storage.embedded import EmbeddedPostgres
from triform.storage.migrate import migrate_platform
from triform.storage.opening import opened
from triform.testing.clock import FakeClock

register_profiles()

_TEMPLATE = "triform_template"
_FORGETFUL = {"fsync": "off", "full_page_writes": "off"}
"""The shared server need not survive a power cut; tests of durability start their own."""


def pytest_collection_finish() -> None:
    """What has been collected stays: the garbage collector need not walk five thousand tests again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@pytest.fixture(scope="session", autouse=True)
def logging_as_in_production() -> None:
    """Without this, structlog's default renders every traceback with all local values, which takes seconds."""
    configure_logging("warning", "json")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ids(clock: FakeClock) -> Ids:
    return Ids(clock)


@pytest.fixture(scope="session")
def postgres_portal() -> Iterator[BlockingPortal]:
    """An event loop in a thread of its own, so that the server outlives the loops of single tests."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="session")
def new_database(postgres_portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an embedded database as a server's first start leaves it, to be copied. Made once for all
    workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "new-database"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            with postgres_portal.wrap_async_context_manager(opened(None, unfinished)):
                pass
            unfinished.rename(folder)
    return folder


@pytest.fixture(scope="session")
def new_data_dir(tmp_path_factory: pytest.TempPathFactory, new_database: Path) -> DataDirs:
    """`new_data_dir("name")`: the data folder of a server that has been started once, but for its keys."""

    def make(name: str) -> Path:
        return copy_of(new_database, tmp_path_factory.mktemp(name) / "data" / "postgres").parent

    return make


@pytest.fixture(scope="session")
def postgres_dsn(
    postgres_portal: BlockingPortal, new_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A running server, shared by the tests of this process: use `database`, and leave no global state."""
    home = copy_of(new_database, tmp_path_factory.mktemp("server") / "postgres")
    server = EmbeddedPostgres(home, settings=_FORGETFUL)
    with postgres_portal.wrap_async_context_manager(server) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def statement(postgres_portal: BlockingPortal, postgres_dsn: str) -> Iterator[Callable[[str], object]]:
    """`statement("create database …")` at that server, on a connection kept for it."""
    connection: Any = postgres_portal.call(asyncpg.connect, postgres_dsn)
    yield lambda text: postgres_portal.call(connection.execute, text)
    postgres_portal.call(connection.close)


@pytest.fixture(scope="session")
def migrated_template(
    postgres_portal: BlockingPortal, postgres_dsn: str, statement: Callable[[str], object]
) -> str:
    """The name of a database with the platform's schema and no rows."""
    statement(f"create database {_TEMPLATE}")
    postgres_portal.call(_migrate, at_database(postgres_dsn, _TEMPLATE))
    return _TEMPLATE


@pytest.fixture
def database_dsn(postgres_dsn: str, migrated_template: str, statement: Callable[[str], object]) -> Iterator[str]:
    """A fresh migrated database of this test alone; for tests that open it themselves, also synchronous ones."""
    name = f"test_{uuid4().hex}"
    statement(f"create database {name} template {migrated_template}")
    yield at_database(postgres_dsn, name)
    statement(f"drop database {name} with (force)")


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    """A fresh migrated database, opened in the test's event loop."""
    async with Database(database_dsn) as opened:
        yield opened


@pytest.fixture
def empty_database_dsn(postgres_dsn: str, statement: Callable[[str], object]) -> Iterator[str]:
    """A database without any schema of ours."""
    name = f"test_{uuid4().hex}"
    statement(f"create database {name}")
    yield at_database(postgres_dsn, name)
    statement(f"drop database {name} with (force)")


async def _migrate(dsn: str) -> None:
    async with Database(dsn, pool_size=1) as database:
        await migrate_platform(database)
