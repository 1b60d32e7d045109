"""Circles are apart in Postgres too: a login and a schema each, and no way from one to the other."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from tests.acceptance.client import Circle
from tests.acceptance.conftest import StartServer, client_of, sign_in
from tests.acceptance.server import Server
from triform.circles.keyring import Keyring

POWERS = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolbypassrls", "rolreplication")


async def role_of(circle: Circle) -> tuple[str, UUID]:
    circle_id = UUID((await circle.get()).json()["id"])
    return f"circle_{circle_id.hex}", circle_id


@pytest.fixture
def own(start_server: StartServer, empty_database_dsn: str) -> Server:
    return start_server(database_url=empty_database_dsn)


@pytest.fixture
async def circles(own: Server) -> AsyncIterator[tuple[Circle, Circle]]:
    async with client_of(own) as http:
        yield await sign_in(http), await sign_in(http)


async def test_a_circle_s_login_owns_its_schema_and_reaches_no_other(
    own: Server, circles: tuple[Circle, Circle], empty_database_dsn: str
) -> None:
    (mine, circle_id), (theirs, _) = [await role_of(circle) for circle in circles]
    password = Keyring.open(own.data_dir).role_password(circle_id)
    connection = await asyncpg.connect(empty_database_dsn, user=mine, password=password)
    try:
        role = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = $1", mine)
        assert not any(role[power] for power in POWERS)
        await connection.execute(f"CREATE TABLE {mine}.own (n int)")
        for statement in (
            "SELECT * FROM triform.runs",
            "SELECT * FROM triform.elements",
            "SELECT * FROM triform.identities",
            f"CREATE TABLE {theirs}.foreign_one (n int)",
            "CREATE TABLE public.shared (n int)",
            "CREATE SCHEMA more",
            f"SET ROLE {theirs}",
            f"ALTER ROLE {theirs} PASSWORD 'x'",
            f"GRANT USAGE ON SCHEMA {theirs} TO {mine}",
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT rolpassword FROM pg_authid",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_circle_s_login_has_a_password_of_its_own(
    own: Server, circles: tuple[Circle, Circle], empty_database_dsn: str
) -> None:
    (mine, _), (_, other_id) = [await role_of(circle) for circle in circles]
    foreign = Keyring.open(own.data_dir).role_password(other_id)
    for password in (foreign, "none", mine):
        with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
            await asyncpg.connect(empty_database_dsn, user=mine, password=password)
