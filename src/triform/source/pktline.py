"""Git's wire format, as much of it as judging a push needs. Pure.

    0032want …          four hex digits count themselves and what follows
    0000                flush: the end of a section

A push is a section of commands, then a pack:    <old> <new> <ref>\\0<capabilities>
"""

from collections.abc import Sequence
from dataclasses import dataclass

FLUSH = b"0000"
NONE = "0" * 40
LONGEST_HEAD = 64 << 10
"""Bytes of commands that are read; a thousand of them are enough for anybody."""

_SHALLOW = b"shallow "
_LINE = 65520
_BAND = 65515
_REPORT, _TOLD = b"\x01", b"\x02"


class Malformed(Exception):
    """This is not what git would send."""


@dataclass(frozen=True, slots=True)
class Command:
    """What one reference is to become; `NONE` stands for not being there."""

    old: str
    new: str
    ref: str


@dataclass(frozen=True, slots=True)
class PushHead:
    """What a client asks for, and how it wants to be answered."""

    commands: tuple[Command, ...]
    capabilities: frozenset[str]


def line(text: bytes) -> bytes:
    return f"{len(text) + 4:04x}".encode() + text


def read_push(data: bytes) -> PushHead | None:
    """The commands at the beginning of a push; None when more has to come. Raises Malformed."""
    commands: list[Command] = []
    capabilities: frozenset[str] = frozenset()
    at = 0
    while True:
        size = size_of(data[at : at + 4])
        if size is None or (size and at + size > len(data)):
            return None
        if size == 0:
            return PushHead(tuple(commands), capabilities)
        text, nul, extra = data[at + 4 : at + size].partition(b"\0")
        if nul:
            capabilities = frozenset(extra.decode("ascii", "replace").split())
        if not text.startswith(_SHALLOW):  # Whether that will do is git's to judge.
            commands.append(_command(text))
        at += size


def report(capabilities: frozenset[str], refusals: Sequence[tuple[str, str]], told: Sequence[str]) -> bytes:
    """The answer to a push. `refusals` are (ref, reason); with an empty reason the ref was taken. `told` is shown
    to whoever pushed, line by line."""
    status = line(b"unpack ok\n") + b"".join(
        line(f"ng {ref} {one_line(reason)}\n".encode() if reason else f"ok {ref}\n".encode())
        for ref, reason in refusals
    )
    status = status + FLUSH if capabilities & {"report-status", "report-status-v2"} else b""
    if "side-band-64k" not in capabilities:
        return status
    shown = "".join(f"{one_line(text)}\n" for text in told).encode()
    return _banded(_TOLD, shown) + _banded(_REPORT, status) + FLUSH


def size_of(digits: bytes) -> int | None:
    """Of a line, by its first four bytes; None while they are not there, 0 for a flush. Raises Malformed."""
    if len(digits) < 4:
        return None
    try:
        size = int(digits, 16)
    except ValueError:
        raise Malformed("a line does not begin with its length") from None
    if size in (1, 2, 3, 4) or size > _LINE:
        raise Malformed(f"a line cannot have the length {size}")
    return size


def _command(text: bytes) -> Command:
    """Signed pushes send lines of another form."""
    parts = text.rstrip(b"\n").split(b" ", 2)
    if len(parts) != 3 or not all(_is_name(part) for part in parts[:2]):
        raise Malformed(f"{text[:40]!r} is not understood; pushes are unsigned")
    return Command(parts[0].decode(), parts[1].decode(), parts[2].decode(errors="replace"))


def _is_name(text: bytes) -> bool:
    return len(text) == len(NONE) and not set(text) - set(b"0123456789abcdef")


def _banded(band: bytes, data: bytes) -> bytes:
    return b"".join(line(band + data[at : at + _BAND]) for at in range(0, len(data), _BAND))


def one_line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
