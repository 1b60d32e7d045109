"""A password set by whoever runs the server."""

from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.integration.circles.conftest import Asked, Build
from triform.circles.passwords import Passwords
from triform.circles.reset import reset_password
from triform.errors import InvalidInput, NotFound, Unauthenticated
from triform.storage.database import Database
from triform.testing.circles import Access
from triform.testing.clock import FakeClock

QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
NEW = "another one altogether"


@pytest.fixture
async def ada(build: Build, database: Database, clock: FakeClock) -> Access:
    """A room that asks for passwords; ada is admin of acme and has one."""
    await build().sign_in.dev("acme", "ada")
    await reset_password(database, QUICK, clock, "ada", "the one she lost")
    return build(dev_mode=False)


async def _act(access: Access, database: Database, bearer: str, operation: str, **arguments: Any) -> Any:
    principal = await access.credentials.principal(f"Bearer {bearer}", None)
    async with database.transaction() as tx:
        return (await access.operations.table()[operation](Asked(principal, arguments), tx)).value


async def test_the_new_password_opens_and_the_old_does_not(
    ada: Access, database: Database, clock: FakeClock
) -> None:
    await reset_password(database, QUICK, clock, "Ada", NEW)
    with pytest.raises(Unauthenticated):
        await ada.sign_in.login("ada", "the one she lost", None, "192.0.2.1")
    assert (await ada.sign_in.login("ada", NEW, None, "192.0.2.1")).circle.name == "acme"


async def test_sessions_end_and_keys_go_on(ada: Access, database: Database, clock: FakeClock) -> None:
    session = await ada.sign_in.login("ada", "the one she lost", None, "192.0.2.1")
    principal = await ada.credentials.principal(f"Bearer {session.token}", None)
    key = (await _act(ada, database, session.token, "token_create", name="ci", role="viewer"))["token"]
    assert await reset_password(database, QUICK, clock, "ada", NEW) == 1
    ada.credentials.forget(principal.credential_id)
    with pytest.raises(Unauthenticated):
        await ada.credentials.principal(f"Bearer {session.token}", None)
    with pytest.raises(Unauthenticated):
        await ada.sessions.refresh(session.refresh_token)
    assert (await ada.credentials.principal(f"Bearer {key}", None)).circle.name == "acme"


async def test_nobody_else_is_touched(ada: Access, build: Build, database: Database, clock: FakeClock) -> None:
    bob = await build().sign_in.dev("builders", "bob")
    await reset_password(database, QUICK, clock, "ada", NEW)
    assert (await build().credentials.principal(f"Bearer {bob.token}", None)).circle.name == "builders"


async def test_a_one_time_link_for_a_first_password_is_worth_nothing_then(
    ada: Access, database: Database, clock: FakeClock
) -> None:
    session = await ada.sign_in.login("ada", "the one she lost", None, "192.0.2.1")
    link = (await _act(ada, database, session.token, "member_set", identity="eve", role="viewer"))["login_link"]
    await reset_password(database, QUICK, clock, "eve", NEW)
    assert ada.claim is not None
    with pytest.raises(Unauthenticated):
        await ada.claim.redeem(link, "a password of somebody else")


async def test_an_unknown_identity_and_a_short_password_are_refused(
    ada: Access, database: Database, clock: FakeClock
) -> None:
    with pytest.raises(NotFound, match="no identity nobody"):
        await reset_password(database, QUICK, clock, "nobody", NEW)
    with pytest.raises(InvalidInput):
        await reset_password(database, QUICK, clock, "ada", "short")
    assert await ada.sign_in.login("ada", "the one she lost", None, "192.0.2.1")
