"""What a git server says of itself and sends, packet by packet. Pure.

info/refs      version 2: capabilities; before that: every reference with its commit
ls-refs        <commit> <ref> [peeled:<commit>]                     version 2 only
fetch          … packfile (version 2) or NAK, then bands: 1 a piece of the pack, 2 chatter, 3 why not
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from triform.source.pktline import FLUSH, Malformed, line, one_line, size_of

_DELIMITER = b"0001"
_MARKS = frozenset({FLUSH, _DELIMITER, b"0002"})
_HEX = frozenset("0123456789abcdef")
_BEGIN = frozenset({b"NAK", b"packfile"})
_PIECE, _CHATTER = 1, 2
_SAID = 200
_AGENT = b"agent=triform"


class Told(Exception):
    """The server says why not, in its own words."""


class Packets:
    """Cuts a stream into packets; None for a mark between them."""

    def __init__(self) -> None:
        self._waiting = b""

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """Raises Malformed."""
        self._waiting += data
        while (size := _size(self._waiting[:4])) is not None and len(self._waiting) >= (size or 4):
            packet = self._waiting[4:size] if size else None
            self._waiting = self._waiting[size or 4 :]
            if packet is not None and packet.startswith(b"ERR "):
                raise Told(_text(packet[4:]))
            yield packet


@dataclass(frozen=True, slots=True)
class Advertised:
    """`refs` by name, tags as what they point to; with version 2 none are told before they are asked for."""

    version: int
    capabilities: frozenset[str]
    refs: dict[str, str] = field(default_factory=dict)

    @property
    def by_sha256(self) -> bool:
        return "object-format=sha256" in self.capabilities


def advertised(packets: Iterable[bytes | None]) -> Advertised:
    """Raises Malformed, also for what is no git server."""
    lines = [packet.rstrip(b"\n") for packet in packets if packet is not None]
    lines = [each for each in lines if not each.startswith(b"# service=")]
    if lines[:1] == [b"version 2"]:
        return Advertised(2, frozenset(each.decode("ascii", "replace") for each in lines[1:]))
    if not lines:
        raise Malformed("nothing is advertised")
    listed, _, capabilities = lines[0].partition(b"\0")
    refs = _refs([listed, *lines[1:]])
    return Advertised(0, frozenset(capabilities.decode("ascii", "replace").split()), refs)


def asking_refs(names: Iterable[str]) -> bytes:
    """The request for these references, version 2."""
    wanted = b"".join(line(f"ref-prefix {name}\n".encode()) for name in names)
    return line(b"command=ls-refs\n") + line(_AGENT) + _DELIMITER + line(b"peel\n") + wanted + FLUSH


def listed(packets: Iterable[bytes | None]) -> dict[str, str]:
    """The answer to it. Raises Malformed."""
    return _refs(packet.rstrip(b"\n") for packet in packets if packet is not None)


def asking_pack(server: Advertised, commit: str) -> bytes:
    """The request for one commit with its files, and nothing that came before it."""
    if server.version == 2:
        options = (b"ofs-delta\n", b"no-progress\n", f"want {commit}\n".encode(), b"deepen 1\n", b"done\n")
        return line(b"command=fetch\n") + line(_AGENT) + _DELIMITER + b"".join(map(line, options)) + FLUSH
    wanted = f"want {commit} side-band-64k ofs-delta no-progress {_AGENT.decode()}\n".encode()
    return line(wanted) + line(b"deepen 1\n") + FLUSH + line(b"done\n")


class Unbanded:
    """The pack in a server's answer. `ended` once all of it has come."""

    def __init__(self) -> None:
        self._packets = Packets()
        self._begun = False
        self.ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Pieces of the pack. Raises Malformed, Told."""
        for packet in self._packets.feed(data):
            if not self._begun:
                self._begun = packet is not None and packet.rstrip(b"\n") in _BEGIN
            elif not packet:
                self.ended = True
            elif packet[0] == _PIECE:
                yield packet[1:]
            elif packet[0] != _CHATTER:
                raise Told(_text(packet[1:]))


def is_commit(text: str) -> bool:
    return len(text) == 40 and not set(text) - _HEX


def _size(digits: bytes) -> int | None:
    return 0 if digits in _MARKS else size_of(digits)


def _refs(lines: Iterable[bytes]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in lines:
        commit, name, *more = [*each.decode("utf-8", "replace").split(" ")[:9], ""]
        if not is_commit(commit) or not name:
            raise Malformed("a reference is not understood")
        peeled = [word.removeprefix("peeled:") for word in more if word.startswith("peeled:")]
        found[name.removesuffix("^{}")] = peeled[0] if peeled and is_commit(peeled[0]) else commit
    return found


def _text(said: bytes) -> str:
    return one_line(said.decode("utf-8", "replace"))[:_SAID]
