"""A whole node without user work: what credentials are worth at its operations."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from triform.chemistry.catalogue import Catalogue
from triform.elements.source_check import SourceVerdict
from triform.settings import Settings
from triform.storage.database import Database
from triform.wiring.assembly import assemble
from triform.wiring.parts import Machinery, ground

Nobody = Callable[[], httpx2.AsyncClient]
SignIn = Callable[..., Awaitable[httpx2.AsyncClient]]


class NoCheck:
    async def check(self, element_type: object, spec: object, file: object = None) -> SourceVerdict:
        return SourceVerdict()


class Idle:
    """Stands where user work would be carried out; nothing here asks for any."""

    async def perform(self, call: Any, context: Any) -> Any:
        raise NotImplementedError

    async def answer(self, call: Any) -> Any:
        raise NotImplementedError


@pytest.fixture
async def nobody(database: Database, catalogue: Catalogue, tmp_path: Path) -> AsyncIterator[Nobody]:
    """Clients of the node that present no credential."""
    machinery = Machinery(substrates={"isolation": Idle()}, source_check=NoCheck(), checks={})
    base = ground(Settings(data_dir=tmp_path), database, catalogue=catalogue)
    assembled = assemble(base, machinery)

    def nobody() -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=assembled.app)  # type: ignore[arg-type]
        return httpx2.AsyncClient(transport=transport, base_url="http://localhost")

    async with assembled.node.working():
        yield nobody


@pytest.fixture
def sign_in(nobody: Nobody) -> SignIn:
    """A client that presents a bearer token."""

    async def sign_in(
        circle: str = "acme", identity: str | None = None, key: str | None = None
    ) -> httpx2.AsyncClient:
        client = nobody()
        body = {"circle_name": circle} | ({"identity": identity} if identity else {})
        token = key or (await client.post("/api/auth/dev", json=body)).json()["token"]
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    return sign_in


async def told(answer: httpx2.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


async def key(admin: httpx2.AsyncClient, **facts: Any) -> dict[str, Any]:
    body = {"name": "ci", "role": "viewer"} | facts
    made: dict[str, Any] = await told(await admin.post("/api/acme/ops/tokens/create", json=body), 201)
    return made


async def test_members_and_tokens_are_managed_over_http(sign_in: SignIn) -> None:
    admin = await sign_in()
    await told(await admin.post("/api/acme/ops/members/set", json={"identity": "bob", "role": "operator"}))
    members = (await told(await admin.get("/api/acme/ops/members")))["members"]
    assert {member["identity"]: member["role"] for member in members} == {"acme": "admin", "bob": "operator"}
    made = await key(admin)
    (listed,) = (await told(await admin.get("/api/acme/ops/tokens")))["tokens"]
    assert listed == {name: value for name, value in made.items() if name != "token"}
    await told(await admin.post("/api/acme/ops/tokens/revoke", json={"token_id": made["token_id"]}))
    revoked = await sign_in(key=made["token"])
    assert (await revoked.get("/api/acme")).status_code == 401
    await told(await admin.post("/api/acme/ops/members/remove", json={"identity": "bob"}))
    assert (await told(await admin.get("/api/acme/ops/tokens")))["tokens"] == []


async def test_no_secret_reaches_a_run_or_an_event(sign_in: SignIn, database: Database) -> None:
    admin = await sign_in()
    made = await key(admin)
    for table in ("runs", "events", "credentials", "idempotency_keys"):
        assert made["token"] not in repr([dict(row) for row in await database.fetch(f"SELECT * FROM {table}")])
    runs = await told(await admin.get("/api/acme/ops/runs?operation=token_create"))
    assert made["token"] not in repr(runs)
    assert len(runs["runs"]) == 1


DEMANDS = [
    ("GET", "/api/acme", "viewer"),
    ("GET", "/api/acme/ops/runs", "viewer"),
    ("GET", "/api/acme/ops/members", "admin"),
    ("POST", "/api/acme/ops/members/set", "admin"),
    ("POST", "/api/acme/ops/members/remove", "admin"),
    ("GET", "/api/acme/ops/tokens", "admin"),
    ("POST", "/api/acme/ops/tokens/create", "admin"),
    ("POST", "/api/acme/ops/tokens/revoke", "admin"),
    ("POST", "/api/acme/ops/wallet/top_up", "admin"),
]
ROLES = ("viewer", "operator", "member", "admin")


async def test_a_role_reaches_its_operations_and_no_others(sign_in: SignIn) -> None:
    admin = await sign_in()
    for reach, role in enumerate(ROLES):
        caller = await sign_in(key=(await key(admin, role=role))["token"])
        for verb, path, least in DEMANDS:
            answer = await caller.request(verb, path)
            if reach >= ROLES.index(least):
                assert answer.status_code in (200, 422), (role, path, answer.text)
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN"), (role, path)
                assert answer.json()["_suggestion"]["fix"]


async def test_a_scoped_admin_key_does_only_what_it_names(sign_in: SignIn) -> None:
    admin = await sign_in()
    caller = await sign_in(key=(await key(admin, role="admin", scopes=["get", "members"]))["token"])
    assert (await caller.get("/api/acme")).status_code == 200
    assert (await caller.get("/api/acme/ops/members")).status_code == 200
    for path in ("/api/acme/ops/tokens", "/api/acme/ops/runs", "/api/acme/ops/wallet"):
        assert (await caller.get(path)).status_code == 403


async def test_a_foreign_circle_is_as_absent_as_one_that_never_was(sign_in: SignIn) -> None:
    acme = await sign_in()
    await sign_in("rival")
    for path in ("", "/ops/members", "/ops/nothing", "/greet", "/greet/ops/invoke"):
        for verb in ("GET", "POST", "PATCH", "DELETE"):
            foreign, absent = [await acme.request(verb, f"/api/{name}{path}") for name in ("rival", "nobody")]
            assert foreign.status_code == absent.status_code == 404, (verb, path)
            assert _without_trace(foreign) == _without_trace(absent)


async def test_nobody_is_told_apart_from_a_stranger_only_by_the_credential(nobody: Nobody) -> None:
    async with nobody() as client:
        for path in ("/api/acme", "/api/nobody/ops/members", "/api/acme/greet/ops/invoke"):
            assert (await client.get(path)).status_code == 401


@pytest.mark.parametrize("operation", ["set", "remove"])
async def test_admins_who_shut_each_other_out_at_once_leave_one_and_no_accident(
    sign_in: SignIn, database: Database, operation: str
) -> None:
    one = await sign_in()
    body = {"role": "viewer"} if operation == "set" else {}
    await told(await one.post("/api/acme/ops/members/set", json={"identity": "bob", "role": "admin"}))
    other = await sign_in(identity="bob")
    path = f"/api/acme/ops/members/{operation}"
    answers = await asyncio.gather(
        one.post(path, json={"identity": "bob", **body}), other.post(path, json={"identity": "acme", **body})
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses in ([200, 401], [200, 403], [200, 404], [200, 409])
    assert await database.fetchval("SELECT count(*) FROM members WHERE role = 'admin'") == 1


async def test_a_role_changed_by_another_process_binds_the_next_write(sign_in: SignIn, database: Database) -> None:
    admin = await sign_in()
    await told(await admin.post("/api/acme/ops/members/set", json={"identity": "bob", "role": "admin"}))
    bob = await sign_in(identity="bob")
    await told(await bob.get("/api/acme/ops/members"))
    await database.execute(
        "UPDATE members SET role = 'viewer' FROM identities i WHERE i.id = identity_id AND i.name = 'bob'"
    )
    await database.execute("UPDATE credentials SET revision = revision + 1")
    answer = await bob.post("/api/acme/ops/tokens/create", json={"name": "late", "role": "admin"})
    assert answer.status_code == 403


async def test_a_cookie_writes_from_our_own_pages_only(nobody: Nobody) -> None:
    async with nobody() as browser:
        await told(await browser.post("/api/auth/dev", json={"circle_name": "acme"}))
        assert (await browser.get("/api/acme")).status_code == 200
        path, body = "/api/acme/ops/members/set", {"identity": "eve", "role": "admin"}
        for headers in ({}, {"Origin": "http://evil.example"}):
            answer = await browser.post(path, json=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "ORIGIN_REFUSED")
        await told(await browser.post(path, json=body, headers={"Origin": "http://localhost"}))


def _without_trace(answer: httpx2.Response) -> dict[str, Any]:
    document = answer.json() if answer.content else {}
    return {key: value for key, value in document.items() if key not in ("trace_id", "instance")}
