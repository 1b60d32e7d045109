"""What git servers say, taken apart."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from triform.source import packets
from triform.source.packets import Advertised, Packets, Told, Unbanded, advertised, listed
from triform.source.pktline import FLUSH, Malformed, line

ONE, TWO = "1" * 40, "2" * 40


def cut(data: bytes, size: int = 7) -> list[bytes | None]:
    """Fed in small pieces."""
    cutter = Packets()
    return [each for at in range(0, len(data), size) for each in cutter.feed(data[at : at + size])]


def test_packets_come_out_whole_however_they_come_in() -> None:
    data = line(b"one\n") + FLUSH + line(b"two") + b"0001" + line(b"x" * 1000)
    for size in (1, 3, 4, 5, 10_000):
        assert cut(data, size) == [b"one\n", None, b"two", None, b"x" * 1000]


@pytest.mark.parametrize("data", [b"zzzz", b"0003", b"0004", b"fff1x", b"<!DOCTYPE html>"])
def test_what_is_no_packet_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        cut(data)


@given(st.binary(max_size=200))
@example(b"0000" * 50)
def test_whatever_comes_in_is_understood_or_refused(data: bytes) -> None:
    pack = Unbanded()
    try:
        advertised(cut(data))
        assert sum(len(piece) for piece in pack.feed(data)) <= len(data)
    except (Malformed, Told):
        pass


def test_a_server_of_version_2_tells_what_it_can() -> None:
    service = line(b"# service=git-upload-pack\n") + FLUSH
    told = line(b"version 2\n") + line(b"ls-refs=unborn\n") + line(b"object-format=sha256\n") + FLUSH
    for head in (b"", service):
        found = advertised(cut(head + told))
        assert (found.version, found.refs, found.by_sha256) == (2, {}, True)


def test_an_older_server_tells_its_references_with_tags_as_what_they_point_to() -> None:
    data = line(b"# service=git-upload-pack\n") + FLUSH + line(f"{ONE} HEAD\0side-band-64k shallow\n".encode())
    data += line(f"{ONE} refs/tags/v1\n".encode()) + line(f"{TWO} refs/tags/v1^{{}}\n".encode()) + FLUSH
    found = advertised(cut(data))
    assert (found.version, found.refs) == (0, {"HEAD": ONE, "refs/tags/v1": TWO})
    assert "shallow" in found.capabilities


def test_listed_references_say_what_a_tag_points_to() -> None:
    data = line(f"{ONE} HEAD symref-target:refs/heads/main\n".encode())
    data += line(f"{ONE} refs/tags/v1 peeled:{TWO}\n".encode()) + FLUSH
    assert listed(cut(data)) == {"HEAD": ONE, "refs/tags/v1": TWO}


@pytest.mark.parametrize("text", [b"nonsense", b"12 HEAD", f"{ONE} ".encode(), ("g" * 40).encode() + b" HEAD"])
def test_a_reference_that_is_none_is_refused(text: bytes) -> None:
    with pytest.raises(Malformed):
        listed([text])


@pytest.mark.parametrize("begin", [b"NAK\n", b"packfile\n"])
def test_the_pack_is_what_comes_in_the_first_band(begin: bytes) -> None:
    data = line(b"shallow " + ONE.encode()) + FLUSH + line(begin) + line(b"\x02Counting\n") + line(b"\x01PACK")
    pack = Unbanded()
    assert b"".join(pack.feed(data)) == b"PACK"
    assert not pack.ended
    assert b"".join(pack.feed(line(b"\x01more") + FLUSH)) == b"more"
    assert pack.ended


@pytest.mark.parametrize("data", [line(b"ERR not our ref\n"), line(b"NAK\n") + line(b"\x03not our ref\n")])
def test_a_server_that_says_why_not_is_heard_in_one_line(data: bytes) -> None:
    with pytest.raises(Told, match=r"\Anot our ref\Z"):
        list(Unbanded().feed(data))


@pytest.mark.parametrize("version", [0, 2])
def test_a_request_asks_for_one_commit_without_its_past(version: int) -> None:
    asked = packets.asking_pack(Advertised(version, frozenset()), ONE)
    assert asked.count(b"want ") == 1
    assert line(b"deepen 1\n") in asked
    assert line(b"done\n") in asked
