"""Outside dev mode: the first admin, invited members, and everybody else with a password."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from triform.storage.database import Database
from triform.testing.circles import Access
from triform.testing.clock import FakeClock

PASSWORD = "correct horse battery"


async def first_link(room: Access) -> str:
    assert room.first_admin is not None
    file = await room.first_admin.offer("https://tri.example/")
    assert file is not None
    return file.read_text().split()[0]


async def claim(client: httpx2.AsyncClient, link: str, **more: str) -> httpx2.Response:
    return await client.post("/api/auth/first", json={"link": link, "password": PASSWORD, **more})


async def login(
    client: httpx2.AsyncClient, identity: str, password: str = PASSWORD, **more: str
) -> httpx2.Response:
    return await client.post("/api/auth/login", json={"identity": identity, "password": password, **more})


async def operate(room: Access, database: Database, token: str, operation: str, **arguments: Any) -> Any:
    class Call:
        principal: Any

        def argument(self, name: str, default: Any = None) -> Any:
            return arguments.get(name, default)

    call = Call()
    call.principal = await room.credentials.principal(f"Bearer {token}", None)
    async with database.transaction() as tx:
        return await room.operations.table()[operation](call, tx)


@pytest.fixture
async def client(browse: Any, guarded: Access) -> Any:
    async with browse(guarded) as client:
        yield client


@pytest.fixture
async def ada(client: httpx2.AsyncClient, guarded: Access) -> dict[str, Any]:
    """The first admin, of the circle `acme`."""
    answer = await claim(client, await first_link(guarded), identity="ada", circle_name="acme")
    assert answer.status_code == 200, answer.text
    client.cookies.clear()
    document: dict[str, Any] = answer.json()
    return document


async def test_there_is_no_dev_sign_in(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/api/auth/dev", json={"circle_name": "acme"})
    assert answer.status_code == 404
    assert "/api/auth/login" in answer.json()["_suggestion"]["fix"]


async def test_in_dev_mode_there_is_no_first_admin_link(browse: Any, access: Access) -> None:
    assert access.first_admin is None
    async with browse(access) as client:
        assert (await client.get("/api/auth/first")).status_code == 404
        assert (await claim(client, "x", identity="ada")).status_code == 404


async def test_the_first_admin_link_is_in_a_file_for_the_owner_alone(
    guarded: Access, tmp_path: Path, database: Database
) -> None:
    link = await first_link(guarded)
    file = tmp_path / "first-admin.txt"
    assert file.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"https://tri\.example/api/auth/first#tril_[0-9A-Za-z]{49}", link)
    secret = link.partition("#")[2]
    assert secret not in repr([dict(row) for row in await database.fetch("SELECT * FROM login_links")])


async def test_a_restart_keeps_a_link_that_is_still_good_and_replaces_one_that_is_not(
    guarded: Access, clock: FakeClock
) -> None:
    link = await first_link(guarded)
    assert await first_link(guarded) == link
    clock.advance(7 * 86400)
    assert await first_link(guarded) != link


async def test_the_page_of_a_link_carries_no_secret_and_runs_only_its_own_script(
    client: httpx2.AsyncClient,
) -> None:
    page = await client.get("/api/auth/first")
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'sha256-" in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_the_link_makes_the_first_admin_once(client: httpx2.AsyncClient, guarded: Access) -> None:
    link = await first_link(guarded)
    answer = await claim(client, link, identity="Ada", circle_name="acme")
    assert answer.status_code == 200
    assert (answer.json()["identity"], answer.json()["role"]) == ("ada", "admin")
    assert "Secure" in answer.headers["set-cookie"]
    assert guarded.first_admin is not None
    assert not guarded.first_admin.file.exists()
    assert await guarded.first_admin.offer("https://tri.example") is None
    assert (await claim(client, link, identity="eve", circle_name="evil")).status_code == 401
    assert (await login(client, "ada")).json()["circle"]["name"] == "acme"


async def test_of_two_who_use_the_link_at_once_one_becomes_admin(
    client: httpx2.AsyncClient, guarded: Access, database: Database
) -> None:
    link = await first_link(guarded)
    answers = await asyncio.gather(
        *(claim(client, link, identity=name, circle_name=name) for name in ("ada", "eve"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 401]
    assert await database.fetchval("SELECT count(*) FROM circles") == 1


async def test_two_links_of_two_nodes_make_one_first_admin(
    client: httpx2.AsyncClient, guarded: Access, database: Database
) -> None:
    assert guarded.first_admin is not None
    links = [await first_link(guarded)]
    guarded.first_admin.withdraw()
    links.append(await first_link(guarded))
    pairs = zip(links, ("ada", "eve"), strict=True)
    answers = await asyncio.gather(*(claim(client, link, identity=name, circle_name=name) for link, name in pairs))
    assert sorted(answer.status_code for answer in answers) == [200, 401]
    assert await database.fetchval("SELECT count(*) FROM identities WHERE password_hash IS NOT NULL") == 1


async def test_a_refused_attempt_does_not_use_the_link_up(client: httpx2.AsyncClient, guarded: Access) -> None:
    link = await first_link(guarded)
    for wrong, pointer in (
        ({"identity": "ada", "password": "short"}, "/password"),
        ({"identity": "no one"}, "/identity"),
        ({}, "/identity"),
        ({"identity": "ada", "circle_name": "auth"}, "/circle_name"),
        ({"identity": "ada@example.org"}, "/circle_name"),
    ):
        answer = await claim(client, link, **wrong)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert (await claim(client, link, identity="ada@example.org", circle_name="acme")).status_code == 200


async def test_a_circle_from_dev_times_is_taken_over_by_its_own_identity_only(
    client: httpx2.AsyncClient, access: Access, guarded: Access
) -> None:
    acme = await access.sign_in.dev("acme")
    link = await first_link(guarded)
    taken = await claim(client, link, identity="eve", circle_name="acme")
    assert (taken.status_code, taken.json()["code"]) == (409, "NAME_TAKEN")
    answer = await claim(client, link, identity="acme")
    assert answer.json()["circle"]["id"] == str(acme.circle.id)


async def test_a_wrong_password_and_an_unknown_identity_are_told_the_same(
    client: httpx2.AsyncClient, ada: dict[str, Any], access: Access
) -> None:
    await access.sign_in.dev("passwordless")
    answers = [
        await login(client, identity, "wrong password")
        for identity in ("ada", "nobody", "passwordless", "not a name!", "😀", "x" * 5000)
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert all("set-cookie" not in answer.headers for answer in answers)


async def test_a_password_is_never_answered_or_stored(
    client: httpx2.AsyncClient, ada: dict[str, Any], database: Database
) -> None:
    stored = await database.fetchval("SELECT password_hash FROM identities WHERE name = 'ada'")
    assert stored.startswith("$argon2id$")
    for answer in (await login(client, "ada"), await login(client, "ada", PASSWORD + "x")):
        assert PASSWORD not in answer.text


async def test_guessing_is_slowed_down_per_identity_and_address(
    client: httpx2.AsyncClient, ada: dict[str, Any], browse: Any, guarded: Access, clock: FakeClock
) -> None:
    for _ in range(5):
        assert (await login(client, "ada", "wrong password")).status_code == 401
    refused = await login(client, "ADA", PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (429, "RATE_LIMITED")
    assert refused.headers["retry-after"] == "10"
    assert refused.json()["retryable"] is True
    async with browse(guarded, address="192.0.2.2") as elsewhere:
        assert (await login(elsewhere, "ada")).status_code == 200
    clock.advance(10)
    assert (await login(client, "ada")).status_code == 200


async def test_the_right_password_is_not_slowed_down(client: httpx2.AsyncClient, ada: dict[str, Any]) -> None:
    for _ in range(12):
        assert (await login(client, "ada")).status_code == 200


async def test_trying_many_identities_from_one_address_is_slowed_down(client: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*(login(client, f"nobody{number}", "wrong password") for number in range(60)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(401), statuses.count(429)) == (50, 10)


async def test_an_invited_member_sets_a_password_and_has_the_given_role(
    client: httpx2.AsyncClient, guarded: Access, database: Database, ada: dict[str, Any]
) -> None:
    reply = await operate(guarded, database, ada["token"], "member_set", identity="bob", role="viewer")
    assert "login_link" not in reply.recorded
    assert (await login(client, "bob", "any password")).status_code == 401
    answer = await claim(client, reply.value["login_link"])
    assert (answer.json()["identity"], answer.json()["role"]) == ("bob", "viewer")
    assert answer.json()["circle"]["name"] == "acme"
    assert (await claim(client, reply.value["login_link"])).status_code == 401
    assert (await login(client, "bob")).json()["role"] == "viewer"


async def test_inviting_again_gives_a_new_link_until_the_first_is_used(
    client: httpx2.AsyncClient, guarded: Access, database: Database, ada: dict[str, Any]
) -> None:
    links = [
        (await operate(guarded, database, ada["token"], "member_set", identity="bob", role="viewer")).value[
            "login_link"
        ]
        for _ in range(2)
    ]
    assert (await claim(client, links[0])).status_code == 200
    assert (await claim(client, links[1])).status_code == 401
    again = await operate(guarded, database, ada["token"], "member_set", identity="bob", role="member")
    assert "login_link" not in again.value


async def test_nobody_gets_a_link_for_an_identity_that_belongs_elsewhere(
    client: httpx2.AsyncClient, guarded: Access, access: Access, database: Database, ada: dict[str, Any]
) -> None:
    await access.sign_in.dev("rival")
    reply = await operate(guarded, database, ada["token"], "member_set", identity="rival", role="viewer")
    assert reply.value == {"identity": "rival", "role": "viewer", "created": True}


async def test_a_removed_member_cannot_come_in_by_an_old_link(
    client: httpx2.AsyncClient, guarded: Access, database: Database, ada: dict[str, Any]
) -> None:
    reply = await operate(guarded, database, ada["token"], "member_set", identity="bob", role="admin")
    await operate(guarded, database, ada["token"], "member_remove", identity="bob")
    assert (await claim(client, reply.value["login_link"])).status_code == 401


async def test_a_member_of_several_circles_chooses_one_and_sees_no_others(
    client: httpx2.AsyncClient, guarded: Access, access: Access, database: Database, ada: dict[str, Any]
) -> None:
    rival, _ = await access.sign_in.dev("rival"), await access.sign_in.dev("secret")
    await operate(access, database, rival.token, "member_set", identity="ada", role="viewer")
    assert (await login(client, "ada")).json()["circle"]["name"] == "acme"
    there = (await login(client, "ada", circle="rival")).json()
    assert (there["circle"]["name"], there["role"]) == ("rival", "viewer")
    foreign, absent = [await login(client, "ada", circle=name) for name in ("secret", "nothing")]
    assert foreign.status_code == absent.status_code == 404
    assert foreign.text == absent.text


@pytest.mark.parametrize("name", ["Acme", "acme\x00", "a" * 40, "'; --", "events", "😀"])
async def test_a_circle_that_cannot_be_is_pointed_at(
    client: httpx2.AsyncClient, ada: dict[str, Any], name: str
) -> None:
    answer = await login(client, "ada", circle=name)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/circle"


async def test_who_belongs_nowhere_any_more_gets_a_circle_of_their_own(
    client: httpx2.AsyncClient, guarded: Access, database: Database, ada: dict[str, Any]
) -> None:
    reply = await operate(guarded, database, ada["token"], "member_set", identity="bob", role="viewer")
    await claim(client, reply.value["login_link"])
    client.cookies.clear()
    await operate(guarded, database, ada["token"], "member_remove", identity="bob")
    taken = await login(client, "bob", circle="acme")
    assert (taken.status_code, taken.json()["code"]) == (409, "NAME_TAKEN")
    own = (await login(client, "bob")).json()
    assert (own["circle"]["name"], own["role"]) == ("bob", "admin")
