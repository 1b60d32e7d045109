"""Migrations over a real Postgres, with files of the test's own and with the shipped ones."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from triform.storage.database import Database
from triform.storage.dsn import as_role
from triform.storage.errors import DatabaseNewerThanCode, MigrationChanged
from triform.storage.migrate import migrate_circle, migrate_circles, migrate_platform


@pytest.fixture
async def empty(empty_database_dsn: str) -> AsyncIterator[Database]:
    async with Database(empty_database_dsn) as database:
        yield database


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_one.sql").write_text("create table one (id int); insert into one values (1);")
    (tmp_path / "0002_two.sql").write_text("create table two (id int);")
    return tmp_path


@pytest.fixture
async def role(database: Database) -> AsyncIterator[str]:
    """Roles belong to the whole server, so this one goes again."""
    name = f"circle_{uuid4().hex}"
    await database.execute(f"create role {name} login password 'secret'")
    yield name
    await database.execute(f"drop owned by {name}; drop role {name}")


async def _tables(database: Database, schema: str) -> set[str]:
    rows = await database.fetch("select tablename from pg_tables where schemaname = $1", schema)
    return {row["tablename"] for row in rows}


async def test_files_are_applied_once_in_order(empty: Database, folder: Path) -> None:
    assert await migrate_platform(empty, folder) == 2
    assert await migrate_platform(empty, folder) == 0
    assert await _tables(empty, "triform") == {"one", "two", "schema_versions"}
    assert await empty.fetchval("select count(*) from one") == 1


async def test_a_new_file_is_applied_to_a_database_that_had_the_others(empty: Database, folder: Path) -> None:
    await migrate_platform(empty, folder)
    (folder / "0003_three.sql").write_text("alter table one add column note text;")
    assert await migrate_platform(empty, folder) == 1
    assert await empty.fetchval("select version from schema_versions") == 3


async def test_servers_that_start_together_migrate_once(empty: Database, folder: Path) -> None:
    applied = await asyncio.gather(*(migrate_platform(empty, folder) for _ in range(4)))
    assert sum(applied) == 2


async def test_a_file_that_fails_leaves_nothing_of_itself_and_the_earlier_ones_in_place(
    empty: Database, folder: Path
) -> None:
    (folder / "0002_two.sql").write_text("create table two (id int); create table nonsense (id nonsense);")
    with pytest.raises(asyncpg.UndefinedObjectError):
        await migrate_platform(empty, folder)
    assert await _tables(empty, "triform") == {"one", "schema_versions"}


async def test_a_file_changed_after_it_was_applied_is_refused(empty: Database, folder: Path) -> None:
    await migrate_platform(empty, folder)
    (folder / "0001_one.sql").write_text("create table other (id int);")
    with pytest.raises(MigrationChanged, match=r"0001_one\.sql") as caught:
        await migrate_platform(empty, folder)
    assert caught.value.suggestion is not None


async def test_a_database_newer_than_the_code_is_refused(empty: Database, folder: Path) -> None:
    await migrate_platform(empty, folder)
    (folder / "0002_two.sql").unlink()
    with pytest.raises(DatabaseNewerThanCode, match="at version 2") as caught:
        await migrate_platform(empty, folder)
    assert caught.value.suggestion is not None


async def test_a_circles_role_enters_its_own_schema_and_no_other(database: Database, role: str) -> None:
    async with database.transaction() as tx:
        await migrate_circle(tx, schema=role, role=role)
        await tx.execute("create schema circle_of_a_stranger; create table circle_of_a_stranger.notes (id int)")
        await tx.execute(f"create table {role}.made_for_it (id serial primary key, text text)")
    async with Database(as_role(database.dsn, role, "secret")) as tenant:
        await tenant.execute("select set_config('search_path', $1, false)", role)
        await tenant.execute(f"insert into {role}.made_for_it (text) values ('mine')")
        await tenant.execute(f"create table {role}.made_by_it (id int)")
        for foreign in ("circle_of_a_stranger.notes", "triform.runs", "triform.ledger"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await tenant.fetch(f"select * from {foreign}")


async def test_a_login_of_a_circle_begins_in_its_own_schema(database: Database, role: str) -> None:
    async with database.transaction() as tx:
        await migrate_circle(tx, schema=role, role=role)
    connection = await asyncpg.connect(as_role(database.dsn, role, "secret"))
    assert await connection.fetchval("select current_schema()") == role
    await connection.close()


async def test_a_circle_is_migrated_with_the_transaction_it_is_made_in(database: Database, role: str) -> None:
    with pytest.raises(KeyError):
        await _migrate_then_raise(database, role)
    assert await database.fetchval("select count(*) from pg_namespace where nspname = $1", role) == 0
    assert await database.fetchval("select count(*) from schema_versions where schema_name = $1", role) == 0


async def _migrate_then_raise(database: Database, role: str) -> None:
    async with database.transaction() as tx:
        await migrate_circle(tx, schema=role, role=role)
        raise KeyError


async def test_circles_made_by_an_earlier_version_are_brought_up(
    database: Database, role: str, folder: Path
) -> None:
    (folder / "0001_one.sql").write_text("create schema {schema}; grant usage on schema {schema} to {role};")
    (folder / "0002_two.sql").unlink()
    async with database.transaction() as tx:
        assert await migrate_circle(tx, schema=role, role=role, folder=folder) == 1
    (folder / "0002_two.sql").write_text("create table {schema}.two (id int);")
    assert await migrate_circles(database, folder) == 1
    assert await migrate_circles(database, folder) == 0
    assert await _tables(database, role) == {"two"}
