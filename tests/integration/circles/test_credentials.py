"""What a presented secret is worth, and for how long."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.integration.meanwhile import meanwhile
from triform.circles.credentials import FRESH_S
from triform.circles.model import Level, Role, SignedIn
from triform.circles.opaque import API_KEY, REFRESH_TOKEN, mint
from triform.errors import Forbidden, Unauthenticated
from triform.storage.database import Database
from triform.testing.circles import Access
from triform.testing.clock import FakeClock

_SOMEBODY_WAITS = """
SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
               WHERE NOT l.granted AND d.datname = current_database())
"""


async def key(act: Any, signed_in: SignedIn, **arguments: Any) -> str:
    facts = {"name": "ci", "role": "operator"} | arguments
    token: str = (await act(signed_in.token, "token_create", **facts)).value["token"]
    return f"Bearer {token}"


async def test_a_session_acts_as_the_identity_with_its_role(access: Access) -> None:
    acme = await access.sign_in.dev("acme")
    principal = await access.credentials.principal(f"Bearer {acme.token}", None)
    assert (principal.actor.kind, principal.actor.id) == ("user", "acme")
    assert (principal.circle, principal.level) == (acme.circle, Level.admin)
    assert await access.credentials.principal(None, acme.token) == principal


async def test_a_key_acts_as_a_program_of_the_identity_with_the_keys_role(access: Access, act: Any) -> None:
    acme = await access.sign_in.dev("acme")
    bearer = await key(act, acme, scopes=["invoke"])
    principal = await access.credentials.principal(bearer, None)
    assert (principal.actor.kind, principal.actor.id) == ("agent", "acme/ci")
    assert (principal.role, principal.scopes) == (Role.operator, {"invoke"})


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "bearer x",
        "Bearer a.b.c",
        "Token x",
        "Bearer é",
        "Bearer " + "x" * 9999,
    ],
)
async def test_the_header_decides_alone(access: Access, header: str) -> None:
    acme = await access.sign_in.dev("acme")
    with pytest.raises(Unauthenticated):
        await access.credentials.principal(header, acme.token)


async def test_nothing_presented_is_nobody(access: Access) -> None:
    for cookie in (None, "", "x"):
        with pytest.raises(Unauthenticated):
            await access.credentials.principal(None, cookie)


async def test_tokens_survive_a_restart_and_mean_nothing_elsewhere(
    access: Access, build: Any, tmp_path: Path
) -> None:
    acme = await access.sign_in.dev("acme")
    restarted = build()
    assert (await restarted.credentials.principal(f"Bearer {acme.token}", None)).circle == acme.circle
    elsewhere = build(data_dir=tmp_path / "elsewhere")
    with pytest.raises(Unauthenticated):
        await elsewhere.credentials.principal(f"Bearer {acme.token}", None)


async def test_an_access_token_ends_after_an_hour_although_it_is_remembered(
    access: Access, clock: FakeClock
) -> None:
    acme = await access.sign_in.dev("acme")
    await access.credentials.principal(f"Bearer {acme.token}", None)
    clock.advance(3600)
    with pytest.raises(Unauthenticated, match="expired"):
        await access.credentials.principal(f"Bearer {acme.token}", None)


async def test_a_mistyped_key_is_told_apart_from_an_unknown_one(access: Access, act: Any) -> None:
    acme = await access.sign_in.dev("acme")
    bearer = await key(act, acme)
    with pytest.raises(Unauthenticated, match="mistyped"):
        await access.credentials.principal(bearer[:-1], None)
    with pytest.raises(Unauthenticated, match="unknown"):
        await access.credentials.principal(f"Bearer {mint(API_KEY).text}", None)


async def test_a_refresh_token_is_no_bearer_token(access: Access) -> None:
    acme = await access.sign_in.dev("acme")
    with pytest.raises(Unauthenticated):
        await access.credentials.principal(f"Bearer {acme.refresh_token}", None)


async def test_a_key_ends_when_it_expires(access: Access, act: Any, clock: FakeClock) -> None:
    acme = await access.sign_in.dev("acme")
    bearer = await key(act, acme, expires_at="2026-01-01T00:00:01Z")
    await access.credentials.principal(bearer, None)
    clock.advance(1)
    with pytest.raises(Unauthenticated):
        await access.credentials.principal(bearer, None)


async def test_a_revoked_key_ends_at_once_here_and_within_two_seconds_elsewhere(
    access: Access, build: Any, act: Any, clock: FakeClock
) -> None:
    acme, elsewhere = await access.sign_in.dev("acme"), build()
    bearer = await key(act, acme)
    known = await access.credentials.principal(bearer, None)
    await elsewhere.credentials.principal(bearer, None)
    await act(acme.token, "token_revoke", token_id=str(known.credential_id))
    with pytest.raises(Unauthenticated, match="revoked"):
        await access.credentials.principal(bearer, None)
    clock.advance(FRESH_S)
    with pytest.raises(Unauthenticated):
        await elsewhere.credentials.principal(bearer, None)


async def test_what_was_read_before_a_change_is_not_remembered_after_it(
    access: Access, database: Database
) -> None:
    acme = await access.sign_in.dev("acme")
    principal = await access.credentials.principal(f"Bearer {acme.token}", None)
    access.credentials.forget(principal.credential_id)
    async with database.transaction() as tx:
        await tx.execute("LOCK TABLE credentials IN ACCESS EXCLUSIVE MODE")
        reading = asyncio.create_task(access.credentials.principal(f"Bearer {acme.token}", None))
        while not await database.fetchval(_SOMEBODY_WAITS):  # noqa: ASYNC110 - Postgres cannot tell us
            await asyncio.sleep(0)
        access.credentials.forget(principal.credential_id)
    assert (await reading).credential_revision == 1
    await database.execute("UPDATE credentials SET revision = 2")
    assert (await access.credentials.principal(f"Bearer {acme.token}", None)).credential_revision == 2


async def test_reload_sees_through_the_memory(access: Access, database: Database) -> None:
    acme = await access.sign_in.dev("acme")
    principal = await access.credentials.principal(f"Bearer {acme.token}", None)
    await database.execute("UPDATE credentials SET revision = 7")
    assert (await access.credentials.reload(principal)).credential_revision == 7
    await database.execute("UPDATE credentials SET revoked_at = now()")
    with pytest.raises(Unauthenticated):
        await access.credentials.reload(principal)


async def test_refreshing_hands_out_a_new_pair(access: Access, clock: FakeClock) -> None:
    acme = await access.sign_in.dev("acme")
    clock.advance(3600)
    again = await access.sessions.refresh(acme.refresh_token)
    assert again.refresh_token != acme.refresh_token
    assert again.circle == acme.circle
    assert (await access.credentials.principal(f"Bearer {again.token}", None)).actor.id == "acme"


async def test_a_refresh_token_that_comes_back_ends_the_whole_session(access: Access) -> None:
    acme = await access.sign_in.dev("acme")
    again = await access.sessions.refresh(acme.refresh_token)
    await access.credentials.principal(f"Bearer {again.token}", None)
    with pytest.raises(Unauthenticated, match="used before"):
        await access.sessions.refresh(acme.refresh_token)
    for token in (acme.token, again.token):
        with pytest.raises(Unauthenticated):
            await access.credentials.principal(f"Bearer {token}", None)
    with pytest.raises(Unauthenticated):
        await access.sessions.refresh(again.refresh_token)


async def test_of_two_refreshes_at_once_one_succeeds_and_the_session_ends(access: Access) -> None:
    acme = await access.sign_in.dev("acme")
    outcomes = await asyncio.gather(
        *(access.sessions.refresh(acme.refresh_token) for _ in range(4)), return_exceptions=True
    )
    winners = [outcome for outcome in outcomes if isinstance(outcome, SignedIn)]
    assert len(winners) == 1
    with pytest.raises(Unauthenticated):
        await access.credentials.principal(f"Bearer {winners[0].token}", None)


async def test_a_refresh_token_that_another_node_is_just_exchanging_is_used(
    access: Access, database: Database
) -> None:
    acme = await access.sign_in.dev("acme")
    async with meanwhile(database, "UPDATE refresh_tokens SET used_at = now()"):
        with pytest.raises(Unauthenticated):
            await access.sessions.refresh(acme.refresh_token)
    access.credentials.forget(await _only_credential(database))
    with pytest.raises(Unauthenticated):
        await access.credentials.principal(f"Bearer {acme.token}", None)


async def test_without_a_membership_a_credential_is_nothing(access: Access, database: Database) -> None:
    """Also when it was not revoked."""
    acme = await access.sign_in.dev("acme")
    await database.execute("DELETE FROM members")
    with pytest.raises(Unauthenticated):
        await access.credentials.principal(f"Bearer {acme.token}", None)


async def _only_credential(database: Database) -> UUID:
    found: UUID = await database.fetchval("SELECT id FROM credentials")
    return found


async def test_other_sessions_of_the_identity_go_on(access: Access) -> None:
    stolen, other = await access.sign_in.dev("acme"), await access.sign_in.dev("acme")
    await access.sessions.refresh(stolen.refresh_token)
    with pytest.raises(Unauthenticated):
        await access.sessions.refresh(stolen.refresh_token)
    await access.credentials.principal(f"Bearer {other.token}", None)
    await access.sessions.refresh(other.refresh_token)


async def test_what_is_no_refresh_token_refreshes_nothing(access: Access) -> None:
    for text in ("", "x", "trir_" + "0" * 49, mint(REFRESH_TOKEN).text, mint(API_KEY).text):
        with pytest.raises(Unauthenticated):
            await access.sessions.refresh(text)


async def test_a_refresh_token_lasts_thirty_days_and_a_session_ninety(access: Access, clock: FakeClock) -> None:
    idle, busy = await access.sign_in.dev("acme"), await access.sign_in.dev("acme")
    for _ in range(3):
        clock.advance(29 * 86400)
        busy = await access.sessions.refresh(busy.refresh_token)
    with pytest.raises(Unauthenticated):
        await access.sessions.refresh(idle.refresh_token)
    clock.advance(4 * 86400)
    with pytest.raises(Unauthenticated):
        await access.sessions.refresh(busy.refresh_token)


async def test_signing_out_ends_the_session_and_leaves_keys_alone(access: Access, act: Any) -> None:
    acme = await access.sign_in.dev("acme")
    bearer = await key(act, acme)
    await access.sessions.close(await access.credentials.principal(f"Bearer {acme.token}", None))
    with pytest.raises(Unauthenticated):
        await access.credentials.principal(f"Bearer {acme.token}", None)
    with pytest.raises(Unauthenticated):
        await access.sessions.refresh(acme.refresh_token)
    with pytest.raises(Forbidden, match="cannot sign out"):
        await access.sessions.close(await access.credentials.principal(bearer, None))
    await access.credentials.principal(bearer, None)


async def test_ended_sessions_are_deleted_after_a_day(
    access: Access, database: Database, clock: FakeClock
) -> None:
    gone, kept = await access.sign_in.dev("acme"), await access.sign_in.dev("acme")
    await access.sessions.close_by_refresh(gone.refresh_token)
    assert await access.sessions.forget_ended() == 0
    clock.advance(86400)
    assert await access.sessions.forget_ended() == 1
    await access.sessions.refresh(kept.refresh_token)


async def test_no_secret_is_stored(access: Access, act: Any, database: Database) -> None:
    acme = await access.sign_in.dev("acme")
    bearer = await key(act, acme)
    rows = await database.fetch("SELECT c.*, r.* FROM credentials c LEFT JOIN refresh_tokens r ON true")
    stored = repr([dict(row) for row in rows])
    for secret in (acme.token, acme.refresh_token, bearer.removeprefix("Bearer ")):
        assert secret not in stored
