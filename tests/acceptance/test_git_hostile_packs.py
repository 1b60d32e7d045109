"""Packs that swell or are none, commands that are no commands: all are refused whole, as git is told."""

import hashlib
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.client import Circle, Element
from tests.acceptance.clones import Clone, Unchanged, clone
from tests.acceptance.conftest import StartServer, client_of, sign_in
from tests.acceptance.server import Server
from tests.acceptance.test_git_clone import basic

PUSH = {"Content-Type": "application/x-git-receive-pack-request"}
_OFS = 6


def line(text: str) -> bytes:
    data = text.encode()
    return f"{len(data) + 4:04x}".encode() + data


def packed(kind: int, size: int, data: bytes) -> bytes:
    """An entry of a pack: its header says `size`, whatever `data` inflates to."""
    first, rest = (kind << 4) | (size & 15), size >> 4
    header = bytearray()
    while rest:
        header.append(first | 0x80)
        first, rest = rest & 0x7F, rest >> 7
    header.append(first)
    return bytes(header) + data


def pack(entries: Sequence[bytes], count: int | None = None) -> bytes:
    body = b"PACK" + struct.pack(">II", 2, len(entries) if count is None else count) + b"".join(entries)
    return body + hashlib.sha1(body).digest()


async def send(
    element: Element, new: str, data: bytes, *more: str, ref: str = "refs/heads/draft"
) -> httpx2.Response:
    """A push as bytes: draft → `new`, with this pack."""
    draft = (await element.get("/ops/source/branches")).json()["branches"][0]["commit"]
    head = line(f"{draft} {new} {ref}\0report-status side-band-64k") + b"".join(map(line, more)) + b"0000"
    url = f"/git/{element.circle.name}/{element.slug}.git/git-receive-pack"
    return await element.circle.http.post(
        url, content=head + data, headers={**basic(element.circle.token), **PUSH}
    )


async def test_a_file_that_is_too_large(server: Server, element: Element, copy: Clone) -> None:
    copy.write("large.bin", os.urandom((5 << 20) + 1))
    await copy.commit()
    async with Unchanged(server, element):
        assert "large.bin has" in await copy.refused()


async def test_files_that_are_too_large_together(server: Server, element: Element, copy: Clone) -> None:
    for number in range(11):
        copy.write(f"{number}.bin", bytes([number]) * (5 << 20))
    await copy.commit()
    async with Unchanged(server, element):
        assert "What is new has more than 52428800 bytes in all" in await copy.refused()


async def test_a_pack_that_swells_to_gigabytes(server: Server, element: Element, copy: Clone) -> None:
    size, deflate = 1 << 30, zlib.compressobj(9)
    head = deflate.compress(b"\0" * (1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    again = deflate.compress(b"\0" * (1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    data = head + again * ((size >> 20) - 1) + b"\x03\0" + struct.pack(">I", size % 65521 << 16 | 1)
    assert zlib.decompressobj().decompress(data, 1 << 21) == b"\0" * (1 << 21)
    async with Unchanged(server, element):
        answer = await send(element, "1" * 40, pack([packed(3, size, data)]))
    assert (answer.status_code, b"ng refs/heads/draft" in answer.content) == (200, True), answer.content[:300]


async def test_deltas_that_swell_to_gigabytes(server: Server, element: Element, copy: Clone) -> None:
    """A base of a megabyte, and a thousand deltas that each copy it a thousand times."""
    base = os.urandom(1 << 20)
    name = hashlib.sha1(b"blob %d\0" % len(base) + base).digest()
    entries = [packed(3, len(base), zlib.compress(base))]

    def number(value: int) -> bytes:
        digits = bytearray()
        while value > 0x7F:
            digits.append(value & 0x7F | 0x80)
            value >>= 7
        return bytes(digits + bytes([value]))

    whole = b"\xf0\xff\xff\x0f"  # copy 0x0fffff bytes from the beginning
    for last in range(300):
        delta = number(len(base)) + number(1000 * 0x0FFFFF + 2) + whole * 1000 + b"\x02" + struct.pack(">H", last)
        entries.append(packed(7, len(delta), name + zlib.compress(delta)))
    async with Unchanged(server, element):
        answer = await send(element, "1" * 40, pack(entries))
    assert answer.status_code == 200
    assert b"ng refs/heads/draft" in answer.content


async def test_a_pack_over_the_limit_is_refused_with_the_limit(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server(push_limit_bytes=1 << 20)
    async with client_of(server) as http:
        element = await (await sign_in(http)).ruby()
        copy = await clone(element, tmp_path)
        copy.write("large.bin", os.urandom(2 << 20))
        await copy.commit()
        async with Unchanged(server, element):
            assert "more than 1048576 bytes" in await copy.refused()
            headers = {**basic(element.circle.token), **PUSH}
            url = f"/git/{element.circle.name}/{element.slug}.git/git-receive-pack"
            endless = await http.post(url, content=b"0" * (6 << 20), headers=headers)
            assert endless.status_code == 413


@pytest.mark.parametrize("data", [
    b"", b"PACK", b"not a pack", pack([]), pack([b"\x91\x0ax\x9c"]),
    pack([packed(3, 5, zlib.compress(b"hello"))], 7),
    pack([packed(3, 5, zlib.compress(b"hello"))])[:-1] + b"\0", pack([packed(5, 1, b"")]),
    pack([packed(3, 5, zlib.compress(b"hello"))]),
])  # fmt: skip
async def test_packs_that_are_damaged_or_lack_what_they_promise(
    server: Server, element: Element, data: bytes
) -> None:
    async with Unchanged(server, element):
        answer = await send(element, "1" * 40, data)
    assert answer.status_code == 200
    assert b"ok refs/heads/draft" not in answer.content


@pytest.mark.parametrize("content", [
    b"0000", b"", b"zzzz", b"0004", b"fff0" + b"x" * 100, b"0010not a command",
    line("push-cert\0atomic") + b"0000",
    line("1" * 40 + " " + "2" * 40) + b"0000", line("x" * 40 + " " + "2" * 40 + " refs/heads/draft") + b"0000",
    line(f"{'1' * 40} {'2' * 40} refs/heads/x") * 700,
])  # fmt: skip
async def test_commands_that_are_none(server: Server, element: Element, content: bytes) -> None:
    url = f"/git/{element.circle.name}/{element.slug}.git/git-receive-pack"
    async with Unchanged(server, element):
        answer = await element.circle.http.post(
            url, content=content, headers={**basic(element.circle.token), **PUSH}
        )
    assert answer.status_code == (200 if content == b"0000" else 400), answer.content


@pytest.mark.parametrize("ref", [
    "refs/heads/../../config", "../hooks/post-receive", "refs/heads/draft.lock", "refs/heads/a\x01b",
    "--upload-pack=x",
    "refs/heads/" + "x" * 3000, "config", "HEAD", "refs/heads/dráft", "refs/heads/draft ", "REFS/HEADS/DRAFT",
])  # fmt: skip
async def test_references_with_odd_names(server: Server, element: Element, ref: str) -> None:
    async with Unchanged(server, element):
        answer = await send(element, "1" * 40, pack([]), ref=ref)
    assert b"only draft takes pushes" in answer.content


async def test_a_push_of_a_commit_whose_files_were_never_sent(
    server: Server, element: Element, copy: Clone
) -> None:
    """The commit is sound, its tree is nowhere."""
    draft = await copy.head()
    people = "author G <g@h> 1700000000 +0000\ncommitter G <g@h> 1700000000 +0000"
    data = f"tree {'3' * 40}\nparent {draft}\n{people}\n\nm\n".encode()
    name = hashlib.sha1(b"commit %d\0" % len(data) + data).hexdigest()
    async with Unchanged(server, element):
        answer = await send(element, name, pack([packed(1, len(data), zlib.compress(data))]))
    assert b"ng refs/heads/draft" in answer.content


async def test_objects_of_another_element_are_not_to_be_had(circle: Circle, element: Element, copy: Clone) -> None:
    """A commit that names a tree which only another repository has."""
    other = await circle.ruby("def handler(input)\n  'secret of another'\nend\n")
    commit = (await other.get("/ops/source/branches")).json()["branches"][0]["commit"]
    answer = await send(element, commit, pack([]))
    assert b"ng refs/heads/draft" in answer.content
    assert (await element.get()).json()["version"] == 1
