"""How far a text goes on agreeing with a needle of which it has the beginning."""

import re
from dataclasses import dataclass

from triform.runs.mask_forms import Needle

BREAK = re.compile(rb"\r?\n|(?:\\r)?\\n")
TORN_BREAK = re.compile(rb"(?:\r|\\r\\|\\r|\\)\Z")
_PADDING = re.compile(rb"=|%3[Dd]")
_TORN_PADDING = re.compile(rb"%3?\Z")
_STEP = 64


@dataclass(frozen=True, slots=True)
class Trail:
    """A needle that the text agrees with up to `offset`, to go on at `at` in the text."""

    needle: Needle
    offset: int
    at: int


def follow(trail: Trail, data: bytes) -> tuple[int, Trail | None]:
    """As far as the text agrees; a trail when it was the text that ended, perhaps within a line break."""
    needle, offset, at = trail.needle, trail.offset, trail.at
    while offset < len(needle.text):
        agreed = _agreed(needle.text, offset, data, at)
        at, offset = at + agreed, offset + agreed
        if offset == len(needle.text):
            break
        if at == len(data):
            return at, Trail(needle, offset, at)
        found = BREAK.match(data, at) if needle.wraps else None
        if found is None:
            torn = needle.wraps and TORN_BREAK.match(data, at)
            return at, Trail(needle, offset, at) if torn else None
        if found.end() == len(data):
            return at, Trail(needle, offset, at)
        if data[found.end()] != needle.text[offset]:
            return at, None
        at = found.end()
    return _edge(needle, offset, data, at)


def _edge(needle: Needle, offset: int, data: bytes, at: int) -> tuple[int, Trail | None]:
    """The shared last character, then at most two of padding, percent-encoded perhaps."""
    while needle.edge and offset < len(needle.text) + 3:
        if at == len(data):
            return at, Trail(needle, offset, at)
        if offset == len(needle.text):
            size = int(data[at] in needle.edge)
        elif (padding := _PADDING.match(data, at)) is not None:
            size = padding.end() - at
        else:
            return at, Trail(needle, offset, at) if _TORN_PADDING.match(data, at) else None
        if not size:
            break
        at, offset = at + size, offset + 1
    return at, None


def _agreed(text: bytes, offset: int, data: bytes, at: int) -> int:
    """How many bytes are the same: in growing steps, and in the last one to where the first bit differs."""
    agreed, most, step = 0, min(len(text) - offset, len(data) - at), _STEP
    while agreed < most:
        size = min(step, most - agreed)
        wanted = text[offset + agreed : offset + agreed + size]
        if not data.startswith(wanted, at + agreed):
            there = data[at + agreed : at + agreed + size]
            differing = int.from_bytes(wanted, "big") ^ int.from_bytes(there, "big")
            return agreed + size - (differing.bit_length() + 7) // 8
        agreed, step = agreed + size, 2 * step
    return agreed
