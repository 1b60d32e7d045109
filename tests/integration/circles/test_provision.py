"""Making circles, and the walls between them in Postgres."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from triform.circles.model import SignedIn
from triform.errors import InvalidInput, NotFound
from triform.storage.database import Database
from triform.storage.dsn import as_role
from triform.testing.circles import Access


async def tenant(database: Database, access: Access, signed_in: SignedIn) -> "asyncpg.Connection[asyncpg.Record]":
    circle = signed_in.circle
    return await asyncpg.connect(as_role(database.dsn, circle.schema, access.keyring.role_password(circle.id)))


async def test_a_circle_comes_with_element_admin_wallet_and_schema(access: Access, database: Database) -> None:
    acme = await access.sign_in.dev("acme")
    circle_id = acme.circle.id
    assert (
        await database.fetchval("SELECT name FROM elements WHERE id = $1 AND circle_id = $1", circle_id) == "acme"
    )
    assert await database.fetchval("SELECT role FROM members WHERE circle_id = $1", circle_id) == "admin"
    assert await database.fetchval("SELECT balance_micro_au FROM wallets WHERE circle_id = $1", circle_id) == 100
    assert await database.fetchval("SELECT 1 FROM pg_namespace WHERE nspname = $1", f"circle_{circle_id.hex}")


async def test_signing_in_again_enters_the_same_circle_and_grants_nothing_more(
    access: Access, database: Database
) -> None:
    first, second = await access.sign_in.dev("acme"), await access.sign_in.dev("acme")
    assert first.circle == second.circle
    assert first.token != second.token
    assert await database.fetchval("SELECT sum(balance_micro_au) FROM wallets") == 100


async def test_signing_in_at_once_makes_one_circle(access: Access, database: Database) -> None:
    all_in = await asyncio.gather(*(access.sign_in.dev("acme") for _ in range(8)))
    assert len({signed_in.circle.id for signed_in in all_in}) == 1
    assert await database.fetchval("SELECT count(*) FROM circles") == 1
    assert await database.fetchval("SELECT count(*) FROM wallets") == 1


async def test_a_known_identity_that_makes_a_circle_twice_at_once_makes_one(access: Access) -> None:
    await access.sign_in.dev("ada")
    all_in = await asyncio.gather(*(access.sign_in.dev("second", "ada") for _ in range(8)))
    assert len({signed_in.circle.id for signed_in in all_in}) == 1


async def test_two_identities_that_want_one_name_at_once_get_one_circle_between_them(access: Access) -> None:
    outcomes = await asyncio.gather(
        access.sign_in.dev("acme", "ada"), access.sign_in.dev("acme", "bob"), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NotFound", "SignedIn"]


async def test_a_circle_whose_making_fails_leaves_nothing_behind(access: Access, database: Database) -> None:
    await database.execute("ALTER TABLE wallets ADD CHECK (balance_micro_au < 50)")
    with pytest.raises(asyncpg.CheckViolationError):
        await access.sign_in.dev("acme")
    for table in ("circles", "identities", "members", "elements", "credentials"):
        assert await database.fetchval(f"SELECT count(*) FROM {table}") == 0
    assert await database.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'circle\\_%'") == 0


@pytest.mark.parametrize("name", ["auth", "Acme", "a", "a; drop schema b", 'x"y', "../acme", "acme\u200b"])
async def test_a_name_that_is_not_one_makes_nothing(access: Access, database: Database, name: str) -> None:
    with pytest.raises(InvalidInput):
        await access.sign_in.dev(name)
    assert await database.fetchval("SELECT count(*) FROM identities") == 0


async def test_an_identity_does_not_enter_a_circle_it_is_no_member_of(access: Access) -> None:
    await access.sign_in.dev("acme")
    with pytest.raises(NotFound):
        await access.sign_in.dev("acme", "mallory")


async def test_the_login_role_works_in_its_own_schema(access: Access, database: Database) -> None:
    connection = await tenant(database, access, await access.sign_in.dev("acme"))
    try:
        await connection.execute("CREATE TABLE notes (text text)")
        await connection.execute("INSERT INTO notes VALUES ('hello')")
        assert await connection.fetchval("SELECT text FROM notes") == "hello"
    finally:
        await connection.close()


FORBIDDEN = (
    "SELECT * FROM triform.identities",
    "SELECT * FROM triform.credentials",
    "SELECT * FROM triform.schema_versions",
    "SELECT triform.refuse_change()",
    "SELECT * FROM {foreign}.notes",
    "INSERT INTO {foreign}.notes VALUES ('x')",
    "DROP TABLE {foreign}.notes",
    "CREATE TABLE {foreign}.mine ()",
    "CREATE TABLE triform.mine ()",
    "CREATE TABLE public.mine ()",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "CREATE DATABASE mine",
    "SET ROLE {foreign}",
    "SET SESSION AUTHORIZATION {foreign}",
    "GRANT {foreign} TO {own}",
    "ALTER ROLE {own} SUPERUSER",
    "ALTER ROLE {own} CREATEROLE",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT rolpassword FROM pg_authid",
)


async def test_the_login_role_sees_nothing_but_its_own_schema(access: Access, database: Database) -> None:
    acme, rival = await access.sign_in.dev("acme"), await access.sign_in.dev("rival")
    theirs = await tenant(database, access, rival)
    await theirs.execute("CREATE TABLE notes (text text)")
    await theirs.close()
    ours = await tenant(database, access, acme)
    try:
        for attempt in FORBIDDEN:
            with pytest.raises(asyncpg.PostgresError) as refusal:
                await ours.execute(attempt.format(own=acme.circle.schema, foreign=rival.circle.schema))
            assert refusal.value.sqlstate in ("42501", "0LP01"), attempt
    finally:
        await ours.close()


async def test_a_role_is_entered_with_its_own_password_only(access: Access, database: Database) -> None:
    acme, rival = await access.sign_in.dev("acme"), await access.sign_in.dev("rival")
    for password in (access.keyring.role_password(rival.circle.id), access.keyring.role_password(UUID(int=0)), ""):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(as_role(database.dsn, acme.circle.schema, password))


async def test_no_password_of_a_role_is_stored(access: Access, database: Database) -> None:
    acme = await access.sign_in.dev("acme")
    stored = await database.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = $1", acme.circle.schema)
    assert stored.startswith("SCRAM-SHA-256$")
    assert access.keyring.role_password(acme.circle.id) not in stored
