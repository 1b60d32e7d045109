"""Who gets in, who does not, and what foreign pages can make a browser do: nothing."""

import asyncio
from typing import Any

import httpx2
import pytest

from triform.testing.circles import Access
from triform.testing.clock import FakeClock

OURS = {"Origin": "http://localhost"}
DOORS = ("dev", "login", "refresh", "logout", "first")


async def dev(client: httpx2.AsyncClient, name: str = "acme", **more: Any) -> dict[str, Any]:
    answer = await client.post("/api/auth/dev", json={"circle_name": name, **more})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_the_dev_sign_in_answers_a_session_and_sets_a_cookie_scripts_cannot_read(
    client: httpx2.AsyncClient,
) -> None:
    answer = await client.post("/api/auth/dev", json={"circle_name": "acme"})
    document = answer.json()
    assert document["expires_in"] == 3600
    assert (document["identity"], document["role"]) == ("acme", "admin")
    assert document["circle"]["name"] == "acme"
    assert document["refresh_token"].startswith("trir_")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"triform_token={document['token']};")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        "httponly", "max-age=3600", "path=/", "samesite=lax",
    }  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    assert (await client.get("/api/acme/whoami", headers=bearer(document["token"]))).status_code == 200


async def test_many_first_sign_ins_at_once_enter_one_circle(client: httpx2.AsyncClient) -> None:
    documents = await asyncio.gather(*(dev(client) for _ in range(8)))
    assert len({document["circle"]["id"] for document in documents}) == 1


async def test_a_member_chooses_the_circle_to_enter(client: httpx2.AsyncClient) -> None:
    await dev(client)
    answer = await client.post("/api/auth/dev", json={"circle_name": "acme", "identity": "bob"})
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert "identity" in answer.json()["_suggestion"]["fix"]


async def test_a_foreign_circle_answers_as_an_absent_one(client: httpx2.AsyncClient) -> None:
    acme = await dev(client)
    await dev(client, "rival")
    client.cookies.clear()
    foreign, absent = [
        await client.get(f"/api/{name}/whoami", headers=bearer(acme["token"])) for name in ("rival", "nobody")
    ]
    assert foreign.status_code == absent.status_code == 404
    assert foreign.text.replace("rival", "nobody") == absent.text


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "", "text/json"]
)
async def test_only_json_is_read(
    client: httpx2.AsyncClient, guarded: Access, browse: Any, door: str, kind: str
) -> None:
    async with browse(guarded) as strict:
        for each in (client, strict):
            for content in (b'{"circle_name": "acme"}', b""):
                answer = await each.post(f"/api/auth/{door}", content=content, headers={"Content-Type": kind})
                assert answer.status_code in (404, 415), (door, kind)
                assert "set-cookie" not in answer.headers


async def test_a_form_cannot_sign_a_browser_in(client: httpx2.AsyncClient) -> None:
    answer = await client.post(
        "/api/auth/dev", content=b'{"circle_name":"acme"}', headers={"Content-Type": "text/plain"}
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:3000", "https://localhost.evil.example"]
)
async def test_a_foreign_page_signs_nobody_in_or_out(client: httpx2.AsyncClient, door: str, origin: str) -> None:
    answer = await client.post(f"/api/auth/{door}", json={"circle_name": "acme"}, headers={"Origin": origin})
    assert (answer.status_code, answer.json()["code"]) == (403, "ORIGIN_REFUSED")
    assert answer.json()["_suggestion"]["fix"]


async def test_our_own_page_signs_in(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/api/auth/dev", json={"circle_name": "acme"}, headers=OURS)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/api/auth/dev", "/api/acme/whoami", "/", "/nowhere", "/api/auth/first"])
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost@evil.example", "", "127.1"])
async def test_no_address_answers_to_a_foreign_name(client: httpx2.AsyncClient, path: str, host: str) -> None:
    for method in ("GET", "POST"):
        answer = await client.request(method, path, headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (403, "HOST_REFUSED")


async def test_a_cookie_reads_from_anywhere_and_writes_from_our_own_pages_only(client: httpx2.AsyncClient) -> None:
    await dev(client)
    assert (await client.get("/api/acme/whoami")).json() == {"actor": "acme", "role": "admin"}
    assert (await client.post("/api/acme/whoami", headers=OURS)).status_code == 200
    headers: dict[str, str]
    for headers in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost:1"},
                    {"Referer": "http://localhost/"}):  # fmt: skip
        answer = await client.post("/api/acme/whoami", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "ORIGIN_REFUSED")


async def test_a_bearer_token_needs_no_origin_and_minds_none(client: httpx2.AsyncClient) -> None:
    token = (await dev(client))["token"]
    client.cookies.clear()
    for headers in (bearer(token), bearer(token) | {"Origin": "http://evil.example"}):
        assert (await client.post("/api/acme/whoami", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "value", ["Bearer x", "Bearer ", "", "Basic YWNtZTo=", "Bearer trif_" + "0" * 49, "Bearer null", "bogus"]
)
async def test_a_worthless_header_is_not_rescued_by_the_cookie(client: httpx2.AsyncClient, value: str) -> None:
    await dev(client)
    answer = await client.get("/api/acme/whoami", headers={"Authorization": value})
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_what_could_be_read_in_two_ways_is_refused(client: httpx2.AsyncClient) -> None:
    token = (await dev(client))["token"]
    client.cookies.clear()
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    assert (await client.get("/api/acme/whoami", headers=twice)).status_code == 401
    for cookies in (("planted", token), (token, "planted"), (token, token)):
        planted = {"Cookie": "; a=b; ".join(f"triform_token={cookie}" for cookie in cookies)}
        assert (await client.get("/api/acme/whoami", headers=planted)).status_code == 401
    alone = {"Cookie": f"x_triform_token=planted; a=b; triform_token={token}"}
    assert (await client.get("/api/acme/whoami", headers=alone)).status_code == 200


async def test_refreshing_goes_round_once(client: httpx2.AsyncClient) -> None:
    first = await dev(client)
    answer = await client.post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert answer.status_code == 200
    assert answer.json().keys() == first.keys()
    assert f"triform_token={answer.json()['token']};" in answer.headers["set-cookie"]
    reused = await client.post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert reused.status_code == 401
    client.cookies.clear()
    ended = await client.get("/api/acme/whoami", headers=bearer(answer.json()["token"]))
    assert ended.status_code == 401


async def test_signing_out_ends_the_session_and_clears_the_cookie(client: httpx2.AsyncClient) -> None:
    session = await dev(client)
    assert (await client.post("/api/auth/logout")).status_code == 403
    answer = await client.post("/api/auth/logout", headers=OURS)
    assert answer.json() == {"signed_out": True}
    assert 'triform_token=""' in answer.headers["set-cookie"]
    assert "triform_token" not in client.cookies
    assert (await client.get("/api/acme/whoami", headers=bearer(session["token"]))).status_code == 401
    refreshed = await client.post("/api/auth/refresh", json={"refresh_token": session["refresh_token"]})
    assert refreshed.status_code == 401
    assert (await client.post("/api/auth/logout")).status_code == 200


async def test_signing_out_works_by_header_and_by_refresh_token_alone(
    client: httpx2.AsyncClient, clock: FakeClock
) -> None:
    one, other = await dev(client), await dev(client)
    client.cookies.clear()
    assert (await client.post("/api/auth/logout", headers=bearer(one["token"]))).status_code == 200
    assert (await client.post("/api/auth/logout", headers=bearer(one["token"]))).status_code == 401
    clock.advance(3600)
    body = {"refresh_token": other["refresh_token"]}
    assert (await client.post("/api/auth/logout", json=body)).status_code == 200
    assert (await client.post("/api/auth/refresh", json=body)).status_code == 401


async def test_an_expired_cookie_still_signs_out(client: httpx2.AsyncClient, clock: FakeClock) -> None:
    token = (await dev(client))["token"]
    clock.advance(3600)
    headers = OURS | {"Cookie": f"triform_token={token}"}
    assert (await client.post("/api/auth/logout", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        (b"{", 400, "MALFORMED_BODY", None),
        (b"\xff", 400, "MALFORMED_BODY", None),
        (b"[" * 5000, 400, "MALFORMED_BODY", None),
        (b'{"circle_name": "' + b"x" * 20_000 + b'"}', 413, "BODY_TOO_LARGE", None),
        (b"", 422, "INVALID_INPUT", ""),
        (b"[]", 422, "INVALID_INPUT", ""),
        (b'{"circle_name": 7}', 422, "INVALID_INPUT", "/circle_name"),
        (b'{"circle_name": null}', 422, "INVALID_INPUT", "/circle_name"),
        (b'{"circle_name": "acme", "admin": true}', 422, "INVALID_INPUT", ""),
        (b'{"circle_name": "acme/../x"}', 422, "INVALID_INPUT", "/circle_name"),
        (b'{"circle_name": "\\u0430cme"}', 422, "INVALID_INPUT", "/circle_name"),
        (b'{"circle_name": "acme\\u0000"}', 422, "INVALID_INPUT", "/circle_name"),
        (b'{"circle_name": "events"}', 422, "INVALID_INPUT", "/circle_name"),
        (b'{"circle_name": "acme", "identity": "\\u212aelvin"}', 422, "INVALID_INPUT", "/identity"),
    ],
)
async def test_a_wrong_body_is_told_where_it_is_wrong(
    client: httpx2.AsyncClient, body: bytes, status: int, code: str, pointer: str | None
) -> None:
    answer = await client.post("/api/auth/dev", content=body, headers={"Content-Type": "application/json"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert problem["_suggestion"]["fix"]
    if pointer is not None:
        assert problem["errors"][0]["pointer"] == pointer
