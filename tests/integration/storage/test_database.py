"""The pool and its transactions over a real Postgres."""

import asyncio
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from triform.storage.database import Database, Statements, Transaction
from triform.storage.embedded import EmbeddedPostgres
from triform.storage.errors import DatabaseUnavailable
from triform.storage.queries import Query

ADD = Query("add", "One more.", "insert into things (name) values ($1)")


@pytest.fixture
async def things(database: Database) -> Database:
    await database.execute("create table things (name text primary key)")
    return database


@pytest.fixture(params=["pool", "lane"])
def place(request: pytest.FixtureRequest, things: Database) -> Statements:
    """Pool and lane promise the same."""
    return things if request.param == "pool" else things.lane()


async def _names(database: Statements) -> list[str]:
    return [row["name"] for row in await database.fetch("select name from things order by name")]


async def test_a_transaction_is_kept_when_its_block_ends(place: Statements) -> None:
    async with place.transaction() as tx:
        await tx.execute(ADD, "a")
        assert await tx.fetchval("select count(*) from things") == 1
    assert await _names(place) == ["a"]


async def test_a_transaction_is_undone_when_its_block_raises(place: Statements) -> None:
    with pytest.raises(KeyError):
        await _add_then_raise(place)
    assert await _names(place) == []


async def _add_then_raise(place: Statements) -> None:
    async with place.transaction() as tx:
        await tx.execute(ADD, "a")
        raise KeyError


async def test_a_transaction_is_undone_when_its_task_is_cancelled(place: Statements) -> None:
    inside = asyncio.Event()

    async def add_and_wait() -> None:
        async with place.transaction() as tx:
            await tx.execute(ADD, "a")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(add_and_wait())
    await inside.wait()
    task.cancel()
    assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)
    assert await _names(place) == []


async def test_execute_says_how_many_rows_it_touched(place: Statements) -> None:
    await place.executemany(ADD, [("a",), ("b",), ("c",)])
    assert await place.execute("delete from things where name > $1", "a") == 2
    assert await place.execute("create table more (); drop table more") == 0


async def test_a_violated_constraint_comes_as_the_driver_says_it(place: Statements) -> None:
    await place.execute(ADD, "a")
    with pytest.raises(asyncpg.UniqueViolationError):
        await place.execute(ADD, "a")
    assert await _names(place) == ["a"]


async def test_connections_start_in_our_schema_in_utc_with_time_limits(place: Statements) -> None:
    wanted = {"search_path": "triform", "TimeZone": "UTC", "statement_timeout": "30s", "lock_timeout": "10s"}
    for name, value in wanted.items():
        assert await place.fetchval(f"show {name}") == value


async def test_a_statement_that_takes_too_long_is_a_typed_retryable_error(place: Statements) -> None:
    with pytest.raises(DatabaseUnavailable, match="too long"):
        await _sleep_past_the_limit(place)
    assert await place.fetchval("select 1") == 1


async def _sleep_past_the_limit(place: Statements) -> None:
    async with place.transaction() as tx:
        await tx.execute("set local statement_timeout = 10")
        await tx.fetchval("select pg_sleep(30)")


async def test_a_connection_lost_between_two_statements_fails_them_typed_and_is_replaced(
    place: Statements,
) -> None:
    with pytest.raises(DatabaseUnavailable):
        await _lose_connection(place)
    assert await _names(place) == []


async def _lose_connection(place: Statements) -> None:
    async with place.transaction() as tx:
        await tx.execute(ADD, "a")
        await _end_own_connection(tx)
        await tx.execute(ADD, "b")


async def _end_own_connection(tx: Transaction) -> None:
    with pytest.raises(DatabaseUnavailable):
        await tx.fetchval("select pg_terminate_backend(pg_backend_pid())")


async def test_all_connections_lost_at_once_are_replaced_without_a_word(things: Database) -> None:
    await asyncio.gather(*(things.fetchval("select 1") for _ in range(5)))
    lane = things.lane()
    await lane.fetchval("select 1")
    async with Database(things.dsn, pool_size=1) as other:
        await other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
    await _settled(things, lane)
    assert await things.fetchval("select 2") == 2
    assert await lane.fetchval("select 2") == 2


async def _settled(*places: Statements) -> None:
    """A loss that has not been noticed yet fails one statement; then it has been."""
    for place in places:
        try:
            await place.fetchval("select 1")
        except DatabaseUnavailable:
            continue


async def test_callers_wait_for_a_postgres_that_is_restarting(home: Path) -> None:
    server = EmbeddedPostgres(home)
    dsn = await server.start()
    async with Database(dsn, patience_s=60) as database:
        await server.stop()
        asked = asyncio.create_task(database.fetchval("select 3"))
        async with EmbeddedPostgres(home):
            assert await asked == 3


async def test_a_postgres_that_stays_away_is_a_typed_error(home: Path) -> None:
    server = EmbeddedPostgres(home)
    dsn = await server.start()
    async with Database(dsn, patience_s=0.1) as database:
        await server.stop()
        with pytest.raises(DatabaseUnavailable):
            await database.ping()
    with pytest.raises(DatabaseUnavailable):
        await Database(dsn, patience_s=0.1).open()


async def test_a_database_that_is_not_open_says_so_typed() -> None:
    with pytest.raises(DatabaseUnavailable):
        await Database("postgresql://nobody@/nothing").ping()


async def test_borrowers_of_a_lane_take_turns(things: Database) -> None:
    lane = things.lane()
    backends = await asyncio.gather(*(lane.fetchval("select pg_backend_pid()") for _ in range(10)))
    assert len(set(backends)) == 1


async def test_values_come_back_as_they_went_in(database: Database) -> None:
    made, blob = uuid4(), b'{"exact": 12345678901234567890, "nul": "\\u0000"}'
    row = await database.fetchrow("select $1::uuid as id, $2::bytea as data, null::text as nothing", made, blob)
    assert row is not None
    assert dict(row) == {"id": made, "data": blob, "nothing": None}
    assert await database.fetchrow("select 1 where false") is None


async def test_a_pool_that_is_all_lent_out_is_a_typed_error(database_dsn: str) -> None:
    async with Database(database_dsn, pool_size=1, patience_s=0.05) as database, database.transaction():
        with pytest.raises(DatabaseUnavailable):
            await database.ping()
