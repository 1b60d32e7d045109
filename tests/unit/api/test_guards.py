from typing import Any

import pytest
from starlette.requests import Request

from triform.api.guards import (
    HostGuard,
    HostRefused,
    OriginRefused,
    allowed_hosts,
    refuse_foreign_origin,
    require_same_origin,
)
from triform.settings import Settings


def scope(*headers: tuple[str, str], scheme: str = "http") -> dict[str, Any]:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return {"type": "http", "method": "POST", "path": "/", "scheme": scheme, "headers": raw}


async def answers(*headers: tuple[str, str], names: frozenset[str]) -> bool:
    reached = []

    async def app(*_: Any) -> None:
        reached.append(True)

    async def unused(*_: Any) -> Any:
        raise AssertionError

    try:
        await HostGuard(app, names)(scope(*headers), unused, unused)
    except HostRefused:
        return False
    return bool(reached)


LOOPBACK = allowed_hosts(Settings(host="127.0.0.1"))


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8743", "127.0.0.1:1", "[::1]:8743", "[::1]", "LOCALHOST:80"]
)
async def test_loopback_names_are_answered_in_dev_mode(host: str) -> None:
    assert await answers(("host", host), names=LOOPBACK)


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "localhost.evil.example", "evil.example:8743", "localhost@evil.example",
        "127.0.0.1.nip.io", "localhost:80:80", "localhost:", "localhost:x", "localhost:123456", " localhost",
        "localhost ", "localhost.", "localhost/", "localhost#", "localhost,evil.example", "::1", "[::1", "[::1]x",
        "0.0.0.0", "127.1", "2130706433", "localhost\x00", "l\xf6calhost", "127.0.0.1%00",
    ],
)  # fmt: skip
async def test_every_other_host_is_refused(host: str) -> None:
    assert not await answers(("host", host), names=LOOPBACK)


async def test_no_host_or_two_hosts_are_refused_and_forwarded_names_count_for_nothing() -> None:
    assert not await answers(names=LOOPBACK)
    assert not await answers(("host", "localhost"), ("host", "localhost"), names=LOOPBACK)
    assert not await answers(("host", "localhost"), ("host", "evil.example"), names=LOOPBACK)
    assert not await answers(("host", "evil.example"), ("x-forwarded-host", "localhost"), names=LOOPBACK)
    assert await answers(("host", "localhost"), ("x-forwarded-host", "evil.example"), names=LOOPBACK)


def test_a_server_that_was_told_its_names_answers_to_no_others() -> None:
    assert allowed_hosts(Settings(host="0.0.0.0", allowed_hosts=["Tri.Example"])) == {"tri.example"}
    assert "localhost" in allowed_hosts(Settings(host="0.0.0.0"))
    assert allowed_hosts(Settings(host="127.0.0.1", allowed_hosts=["tri.example"])) >= {"tri.example", "localhost"}
    assert allowed_hosts(Settings(host="192.0.2.7", allowed_hosts=["a.b"])) == {"a.b", "192.0.2.7"}


def allowed(host: str, *origins: str, scheme: str = "http") -> bool:
    request = Request(scope(("host", host), *(("origin", origin) for origin in origins), scheme=scheme))
    try:
        require_same_origin(request)
    except OriginRefused:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "origin", "scheme"),
    [
        ("localhost:8743", "http://localhost:8743", "http"),
        ("[::1]:8743", "http://[::1]:8743", "http"),
        ("tri.example", "https://tri.example", "https"),
        ("tri.example", "https://tri.example:443", "http"),
        ("tri.example", "http://tri.example:80", "http"),
        ("tri.example", "HTTP://TRI.EXAMPLE", "http"),
    ],
)
def test_the_same_origin_is_recognised(host: str, origin: str, scheme: str) -> None:
    assert allowed(host, origin, scheme=scheme)


@pytest.mark.parametrize(
    "origin",
    [
        "null", "", "http://localhost", "http://localhost:3000", "http://127.0.0.1:8743", "http://evil.example:8743",
        "http://localhost:8743.evil.example", "http://localhost:8743@evil.example", "ftp://localhost:8743",
        "localhost:8743", "http://localhost:8743/", "http://localhost:8743 http://evil.example", "http://",
        "http://localhost:8743\x00", "https://localhost",
    ],
)  # fmt: skip
def test_another_origin_is_refused(origin: str) -> None:
    assert not allowed("localhost:8743", origin)
    with pytest.raises(OriginRefused):
        refuse_foreign_origin(Request(scope(("host", "localhost:8743"), ("origin", origin))))


def test_a_plain_page_may_not_speak_for_an_encrypted_one() -> None:
    assert not allowed("tri.example", "http://tri.example", scheme="https")


def test_a_program_that_names_no_origin_may_sign_in_but_not_write_by_cookie() -> None:
    request = Request(scope(("host", "localhost")))
    refuse_foreign_origin(request)
    with pytest.raises(OriginRefused):
        require_same_origin(request)


def test_two_origins_are_none() -> None:
    assert not allowed("localhost:8743", "http://localhost:8743", "http://localhost:8743")
