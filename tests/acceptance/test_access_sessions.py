"""Signing in, cookies, keys, members: over HTTP, at a real server."""

import base64
import json
import re
import stat
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.acceptance.access import key
from tests.acceptance.client import Circle, refused, until
from tests.acceptance.conftest import Circles, StartServer, client_of, sign_in
from tests.acceptance.server import Server

COOKIE = "triform_token"


async def test_the_first_sign_in_makes_the_circle_and_answers_a_session(http: httpx2.AsyncClient) -> None:
    name = f"c-{uuid4().hex[:20]}"
    answer = await http.post("/api/auth/dev", json={"circle_name": name})
    told = answer.json()
    assert answer.status_code == 200
    assert {"token", "refresh_token", "expires_in", "circle"} <= set(told)
    assert (told["expires_in"], told["circle"]["name"]) == (3600, name)
    again = (await http.post("/api/auth/dev", json={"circle_name": name})).json()
    assert again["circle"]["id"] == told["circle"]["id"]
    assert again["token"] != told["token"]


async def test_a_new_circle_has_its_grant_and_its_admin(circle: Circle) -> None:
    assert (await circle.wallet())["balance_micro_au"] == 100_000_000
    (member,) = (await circle.get("/ops/members")).json()["members"]
    assert member["role"] == "admin"


@pytest.mark.parametrize(
    "name", ["ab", "a" * 33, "Acme", "1st", "a_b", "auth", "git", "api", "mcp", "ops", "events", ""]
)
async def test_a_name_that_cannot_be_a_circle_s_is_refused(http: httpx2.AsyncClient, name: str) -> None:
    answer = await http.post("/api/auth/dev", json={"circle_name": name})
    refused(answer, 422, "INVALID_INPUT")


async def test_the_cookie_is_hidden_from_scripts_and_from_other_sites(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/api/auth/dev", json={"circle_name": f"c-{uuid4().hex[:20]}"})
    cookie = SimpleCookie(answer.headers["Set-Cookie"])[COOKIE]
    assert cookie.value == answer.json()["token"]
    assert (cookie["httponly"], cookie["samesite"].lower(), cookie["path"], cookie["secure"]) == (
        True,
        "lax",
        "/",
        "",
    )
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_cookie_reads_freely_and_writes_only_for_our_own_pages(circle: Circle, server: Server) -> None:
    await circle.ruby(slug="mine")
    cookie = {"Cookie": f"{COOKIE}={circle.token}"}

    async def write(**headers: str) -> httpx2.Response:
        return await circle.http.post(f"{circle.path}/mine/ops/invoke", json={}, headers=cookie | headers)

    assert (await circle.http.get(f"{circle.path}/mine", headers=cookie)).status_code == 200
    assert (await write(Origin=server.url)).status_code == 200
    refused(await write(), 403, "ORIGIN_REFUSED")
    for origin in ("http://evil.example", "null", server.url.replace("127.0.0.1", "localhost"), server.url + "0"):
        refused(await write(Origin=origin), 403, "ORIGIN_REFUSED")


@pytest.mark.parametrize(
    "value", ["Bearer nonsense", "Bearer", "Basic YTpi", "trif_x", "Bearer trif_" + "A" * 43, ""]
)
async def test_a_header_decides_alone_even_beside_a_good_cookie(circle: Circle, value: str) -> None:
    headers = {"Authorization": value, "Cookie": f"{COOKIE}={circle.token}"}
    refused(await circle.http.get(circle.path, headers=headers), 401, "UNAUTHENTICATED")


async def test_a_token_that_was_tampered_with_is_worthless(new_circle: Circles) -> None:
    mine, theirs = await new_circle(), await new_circle()
    head, body, signature = mine.token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    other = json.loads(base64.urlsafe_b64decode(theirs.token.split(".")[1] + "=="))
    forged = _part({**claims, **{name: other[name] for name in claims if claims[name] != other[name]}})
    unsigned = _part({"alg": "none", "typ": "JWT"})
    for token in (
        f"{head}.{forged}.{signature}",
        f"{unsigned}.{forged}.",
        f"{unsigned}.{body}.",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}",
    ):
        answer = await theirs.http.get(theirs.path, headers={"Authorization": f"Bearer {token}"})
        refused(answer, 401, "UNAUTHENTICATED")


async def test_refreshing_rotates_and_reuse_ends_the_family(circle: Circle) -> None:
    async def refresh(token: str) -> httpx2.Response:
        answer = await circle.http.post("/api/auth/refresh", json={"refresh_token": token})
        circle.http.cookies.clear()
        return answer

    first = (await refresh(circle.refresh_token)).json()
    assert first["refresh_token"] != circle.refresh_token
    refused(await refresh(circle.refresh_token), 401, "UNAUTHENTICATED")
    refused(await refresh(first["refresh_token"]), 401, "UNAUTHENTICATED")
    headers = {"Authorization": f"Bearer {first['token']}"}
    refused(await circle.http.get(circle.path, headers=headers), 401, "UNAUTHENTICATED")


async def test_signing_out_ends_the_session_at_once(circle: Circle) -> None:
    answer = await circle.http.post(
        "/api/auth/logout", json={}, headers={"Authorization": f"Bearer {circle.token}"}
    )
    assert answer.status_code == 200
    refused(await circle.get(), 401, "UNAUTHENTICATED")


@pytest.mark.parametrize("path", ["/api/auth/dev", "/api/auth/refresh", "/api/auth/logout", "/api/auth/login"])
async def test_signing_in_takes_only_json_and_only_from_here(http: httpx2.AsyncClient, path: str) -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data"):
        answer = await http.post(path, content=b'{"circle_name": "acme"}', headers={"Content-Type": kind})
        refused(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    refused(await http.post(path, json={}, headers={"Origin": "http://evil.example"}), 403, "ORIGIN_REFUSED")


@pytest.mark.parametrize(
    "path", ["/api/auth/dev", "/api/acme", "/openapi.json", "/livez", "/api/acme/x/ops/invoke"]
)
async def test_no_address_answers_to_a_foreign_name(http: httpx2.AsyncClient, path: str) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "[::2]"):
        answer = await http.get(path, headers={"Host": host})
        assert answer.status_code in (400, 403), (host, answer.text)


async def test_a_key_is_shown_once_and_works_in_the_same_slot(circle: Circle) -> None:
    answer = await circle.post("/ops/tokens/create", {"name": "ci", "role": "operator"})
    secret = answer.json()["token"]
    assert secret.startswith("trif_")
    assert len(secret) >= 48
    listed = await circle.get("/ops/tokens")
    assert secret not in listed.text
    assert [(each["name"], each["role"]) for each in listed.json()["tokens"]] == [("ci", "operator")]
    recorded = (await circle.get("/ops/runs", params={"operation": "*"})).text
    assert secret not in recorded
    element = await circle.ruby()
    answer = await _as(circle, secret).post(f"/{element.slug}/ops/invoke", {"a": 1})
    assert answer.json() == {"a": 1}


async def test_a_scoped_key_does_what_it_names_and_no_more(circle: Circle) -> None:
    element = await circle.ruby()
    scoped = _as(circle, await key(circle, "admin", scopes=["invoke"]))
    assert (await scoped.post(f"/{element.slug}/ops/invoke", {})).status_code == 200
    refused(await scoped.get(f"/{element.slug}"), 403, "FORBIDDEN")
    refused(await scoped.post("/ops/tokens/create", {"name": "more", "role": "viewer"}), 403, "FORBIDDEN")


async def test_a_revoked_key_ends_at_once_and_a_late_one_never_begins(circle: Circle) -> None:
    made = (await circle.post("/ops/tokens/create", {"name": "x", "role": "viewer"})).json()
    holder = _as(circle, made["token"])
    assert (await holder.get()).status_code == 200
    assert (await circle.post("/ops/tokens/revoke", {"token_id": made["token_id"]})).status_code == 200
    refused(await holder.get(), 401, "UNAUTHENTICATED")
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    late = await circle.post("/ops/tokens/create", {"name": "y", "role": "viewer", "expires_at": past})
    refused(late, 422, "INVALID_INPUT")


async def test_a_key_with_an_end_stops_working_then(circle: Circle) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    holder = _as(circle, await key(circle, "viewer", expires_at=soon))
    assert (await holder.get()).status_code == 200

    async def ended() -> bool:
        return (await holder.get()).status_code == 401

    await until(ended, "the key has ended")
    refused(await holder.get(), 401, "UNAUTHENTICATED")


async def test_a_token_of_one_circle_is_no_key_to_another(new_circle: Circles) -> None:
    mine, theirs = await new_circle(), await new_circle()
    refused(await _as(theirs, await key(mine, "admin")).get(), 404, "NOT_FOUND")


async def test_a_changed_role_binds_the_sessions_that_are_open(circle: Circle) -> None:
    bob = await _member(circle, "member")
    assert (await bob.post("/", _element("first"))).status_code == 201
    await circle.post("/ops/members/set", {"identity": _bob(circle), "role": "viewer"})
    refused(await bob.post("/", _element("second")), 403, "FORBIDDEN")
    assert (await bob.get("/first")).status_code == 200


async def test_a_removed_member_is_a_stranger_at_once_with_all_keys(circle: Circle) -> None:
    bob = await _member(circle, "admin")
    spare = _as(circle, await key(bob, "admin"))
    assert (await spare.get()).status_code == 200
    assert (await circle.post("/ops/members/remove", {"identity": _bob(circle)})).status_code == 200
    for stranger in (bob, spare):
        assert (await stranger.get()).status_code in (401, 404)
    assert len((await circle.get("/ops/members")).json()["members"]) == 1


async def test_the_last_admin_can_neither_step_down_nor_be_removed(circle: Circle) -> None:
    (me,) = (await circle.get("/ops/members")).json()["members"]
    refused(
        await circle.post("/ops/members/set", {"identity": me["identity"], "role": "member"}), 409, "LAST_ADMIN"
    )
    refused(await circle.post("/ops/members/remove", {"identity": me["identity"]}), 409, "LAST_ADMIN")
    await _member(circle, "admin")
    stepped = await circle.post("/ops/members/set", {"identity": me["identity"], "role": "member"})
    assert stepped.status_code == 200
    refused(await circle.get("/ops/members"), 403, "FORBIDDEN")


async def test_tokens_and_keys_outlive_a_restart(start_server: StartServer) -> None:
    first = start_server()
    async with client_of(first) as http:
        circle = await sign_in(http)
        api_key = await key(circle, "viewer")
        element = await circle.ruby()
    first.stop()
    second = start_server()
    async with client_of(second) as http:
        again = Circle(http, circle.name, circle.token)
        assert (await again.get(f"/{element.slug}")).status_code == 200
        assert (await _as(again, api_key).get()).status_code == 200
        assert (
            await http.post("/api/auth/refresh", json={"refresh_token": circle.refresh_token})
        ).status_code == 200


async def test_what_signs_tokens_is_readable_by_its_owner_alone(server: Server) -> None:
    keys = list((server.data_dir / "keys").iterdir())
    assert keys
    for path in (server.data_dir, server.data_dir / "keys", *keys):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


async def test_outside_dev_mode_a_password_is_needed_and_the_first_link_is_in_a_file(
    start_server: StartServer,
) -> None:
    running = start_server(dev="false")
    async with client_of(running) as http:
        refused(await http.post("/api/auth/dev", json={"circle_name": "acme"}), 404, "NOT_FOUND")
        link_file = running.data_dir / "first-admin.txt"
        assert stat.S_IMODE(link_file.stat().st_mode) == 0o600
        (link,) = re.findall(r"tril_[\w-]+", link_file.read_text())
        assert link not in running.log()
        body = {"link": link, "password": "correct horse battery", "identity": "ada", "circle_name": "acme"}
        assert (await http.post("/api/auth/first", json=body)).status_code == 200
        http.cookies.clear()
        assert not link_file.exists()
        refused(
            await http.post("/api/auth/login", json={"identity": "ada", "password": "wrong"}),
            401,
            "UNAUTHENTICATED",
        )
        signed_in = await http.post(
            "/api/auth/login", json={"identity": "ada", "password": "correct horse battery"}
        )
        assert (signed_in.status_code, signed_in.json()["circle"]["name"]) == (200, "acme")


def _as(circle: Circle, token: str) -> Circle:
    return Circle(circle.http, circle.name, token)


def _bob(circle: Circle) -> str:
    return f"bob-{circle.name}"


async def _member(circle: Circle, role: str) -> Circle:
    """Somebody else, with this role in the circle."""
    await circle.post("/ops/members/set", {"identity": _bob(circle), "role": role})
    answer = await circle.http.post("/api/auth/dev", json={"circle_name": circle.name, "identity": _bob(circle)})
    assert answer.status_code == 200, answer.text
    circle.http.cookies.clear()
    return _as(circle, answer.json()["token"])


def _element(slug: str) -> dict[str, Any]:
    return {"element_type": "ruby", "slug": slug, "spec": {"source": {"code": "def handler(input) = 1\n"}}}


def _part(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()
