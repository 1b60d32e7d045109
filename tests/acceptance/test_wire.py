"""What comes over the wire, byte by byte: every request is answered or its connection closed, and nobody else
notices. Nothing here uses an HTTP client."""

import asyncio
import json
from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.acceptance.client import Circle
from tests.acceptance.server import Server
from tests.hunting import examples

PATIENCE_S = 20.0
QUIET_S = 0.1
"""For a request that is whole this is long enough; for one that is not, nothing more would come."""
HEAD = 64 << 10
CALL = "POST /api/{}/echo/ops/invoke HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n"


@pytest.fixture
async def caller(circle: Circle) -> Circle:
    """A circle with an element `echo`."""
    await circle.ruby(slug="echo")
    return circle


Answer = tuple[int, dict[str, str], bytes]


async def answers(server: Server, *pieces: bytes) -> list[Answer]:
    """Everything that comes back. Once the other side is quiet, so are we for good, and it closes."""
    place = urlsplit(server.url)
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            received = await _until_quiet(reader)
            writer.write_eof()
            return _parsed(received + await reader.read())
        except ConnectionError:
            return []
        finally:
            writer.close()


async def _until_quiet(reader: asyncio.StreamReader) -> bytes:
    received = b""
    while True:
        try:
            async with asyncio.timeout(QUIET_S):
                piece = await reader.read(1 << 16)
        except TimeoutError:
            return received
        received += piece
        if not piece:
            return received


def _parsed(received: bytes) -> list[Answer]:
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        size = int(headers.get("content-length", 0))
        found.append((int(first.split()[1]), headers, rest[:size]))
        received = rest[size:]
    return found


def assert_sound(got: Sequence[Answer]) -> None:
    for status, headers, body in got:
        assert status < 500, body
        if status >= 400 and body:
            assert headers["content-type"] == "application/problem+json"
            assert json.loads(body)["status"] == status
            assert json.loads(body)["_suggestion"]["fix"]


async def assert_alive(server: Server) -> None:
    (status, _, body), *more = await answers(server, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (status, body, more) == (200, b'{"live":true}', [])


TOKENS = st.sampled_from(
    [b"GET", b"POST", b"HEAD", b"OPTIONS", b"PRI", b" ", b"/", b"*", b"/api/", b"//", b"%", b"%00", b"%2e", b"..",
     b"?", b"#", b" HTTP/1.1", b" HTTP/1.0", b" HTTP/2.0", b"\r\n", b"\n", b"\r", b"\0", b"Host: localhost\r\n",
     b"Host:", b":", b"Content-Length: ", b"5", b"-1", b"9" * 30, b"Transfer-Encoding: chunked\r\n", b"{}",
     b"Expect: 100-continue\r\n", b"Connection: upgrade\r\nUpgrade: websocket\r\n", b"\xff", b"0\r\n\r\n",
     b"ffffffffffffffff\r\n"]
)  # fmt: skip


@examples(50)
@given(st.lists(TOKENS | st.binary(max_size=8), max_size=20).map(b"".join))
async def test_any_bytes_are_answered_or_the_connection_is_closed(server: Server, noise: bytes) -> None:
    assert_sound(await answers(server, noise))
    assert_sound(await answers(server, b"GET /livez HTTP/1.1\r\n" + noise))


HEADERS = {
    "Prefer": ["respond-async", "wait=1", "wait=²", "wait=" + "9" * 400, "handling=lenient; a=b", "", '"'],
    "Idempotency-Key": ["k", '"', '""', "ü", " ", "k" * 255, "k" * 256],
    "traceparent": [
        "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        "00-" + "0" * 32 + "-" + "0" * 16 + "-00",
        "ff",
        "é",
    ],
    "If-Match": ['"1"', "*", 'W/"1"', "1, 2", "-1", "9" * 30, "²"],
    "Authorization": ["Bearer", "Bearer x", "Basic eDp5", "bearer ", "ÿ", "Bearer trif_" + "a" * 49],
    "Host": ["localhost", "LOCALHOST:1", "127.0.0.1", "evil.example", "", "[::1", "localhost, evil", "\x7f"],
    "Origin": [
        "http://localhost",
        "null",
        "http://evil.example",
        "",
        "localhost",
        "http://[",
        "https://localhost:99999",
    ],
    "Content-Type": [
        "application/json",
        "application/json;",
        "a/b+json",
        "text/plain",
        "",
        ";",
        "application/json; é",
    ],
    "Content-Length": ["0", "2", "1", "3", "-1", "+2", " 2", "2, 2", "0x2", "99999999999999999999", ""],
    "Transfer-Encoding": ["chunked", "identity", "gzip, chunked", "chunked, chunked", "x"],
    "Cookie": [
        "triform_token=x",
        "triform_token=",
        "a=b; triform_token=x; triform_token=y",
        ";;;",
        "triform_token",
    ],
    "Connection": ["close", "keep-alive", "upgrade", "x" * 100],
}
ANY_HEADER = st.sampled_from(sorted(HEADERS)).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(HEADERS[name]) | st.text('aé;,=" \t/*9', max_size=6))
)


@examples(50)
@given(
    headers=st.lists(ANY_HEADER, max_size=4),
    genuine=st.booleans(),
    body=st.sampled_from([b"", b"{}", b"2\r\n{}\r\n0\r\n\r\n", b"zz\r\n", b'{"a":1,"a":2}']),
)
async def test_any_headers_are_answered_and_lengths_that_lie_harm_nobody(
    server: Server, caller: Circle, headers: list[tuple[str, str]], genuine: bool, body: bytes
) -> None:
    head = CALL.format(caller.name, caller.token) if genuine else f"POST /api/{caller.name}/ HTTP/1.1\r\n"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    assert_sound(await answers(server, (head + lines + "\r\n").encode("latin-1") + body))


SEGMENTS = st.sampled_from(
    ["echo", "ech%6f", "ECHO", "ops", "get", "..", ".", "%2e%2e", "%2f", "%00", "", "é", "écho", "echo;a=b",
     "runs", "echo%0d%0aX: y", "\\", "other", "*", "a" * 600]
)  # fmt: skip


@examples(50)
@given(
    segments=st.lists(SEGMENTS, max_size=5), query=st.sampled_from(["", "?", "?a=%", "?a=%ff", "?" + "a&" * 200])
)
@example(segments=["ech%6f"], query="")
@example(segments=["echo%2fops%2fget"], query="")
async def test_only_addresses_as_they_are_written_name_anything(
    server: Server, caller: Circle, segments: list[str], query: str
) -> None:
    target = f"/api/{'/'.join([caller.name, *segments])}{query}"
    headers = f"Host: localhost\r\nConnection: close\r\nAuthorization: Bearer {caller.token}\r\n"
    got = await answers(server, f"GET {target} HTTP/1.1\r\n{headers}\r\n".encode())
    assert_sound(got)
    if got and got[0][0] == 200:
        assert segments in ([], [""], ["ops", "get"], ["ops", "runs"], ["echo"], ["echo", "ops", "get"],
                            ["echo", "ops", "runs"])  # fmt: skip


async def test_what_is_no_http_is_refused_as_a_problem(server: Server) -> None:
    (status, headers, body), *more = await answers(server, b"HELLO\r\n\r\n")
    assert (status, more) == (400, [])
    assert headers["connection"] == "close"
    assert json.loads(body)["code"] == "MALFORMED_REQUEST"


@pytest.mark.parametrize("pieces", [1, 7, 5000])
async def test_a_head_of_64_kib_is_read_however_it_arrives_and_a_longer_one_refused(
    server: Server, pieces: int
) -> None:
    def head(size: int) -> list[bytes]:
        start = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nA: "
        whole = start + b"a" * (size - len(start) - 4) + b"\r\n\r\n"
        step = -(-len(whole) // pieces)
        return [whole[at : at + step] for at in range(0, len(whole), step)]

    assert [status for status, _, _ in await answers(server, *head(HEAD))] == [200]
    got = await answers(server, *head(HEAD + 100))
    assert [(status, json.loads(body)["code"]) for status, _, body in got] in ([], [(400, "MALFORMED_REQUEST")])


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"GET / HTTP/1.1\r\nA: ", b"a" * 10_000),
        (b"GET /", b"a" * 10_000),
        (b"GET / HTTP/1.1\r\n", b"A: b\r\n" * 2_000),
        (b"POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ", b"a" * 10_000),
    ],
)
async def test_a_head_that_never_ends_is_cut_off(server: Server, begin: bytes, more: bytes) -> None:
    place = urlsplit(server.url)

    async def send_for_ever() -> None:
        _, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(begin)
        while True:
            writer.write(more)
            await writer.drain()

    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(ConnectionError):
            await send_for_ever()
    await assert_alive(server)


async def test_a_client_that_leaves_in_the_middle_of_its_body_harms_nobody(server: Server, caller: Circle) -> None:
    head = CALL.format(caller.name, caller.token) + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    assert await answers(server, head.encode() + b'{"a":') == []
    assert (await caller.get("/ops/runs")).json()["runs"] == []
    await assert_alive(server)
