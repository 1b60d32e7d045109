"""Finding needles in bytes that arrive in pieces: what is found, what may yet become one, how far one goes on.

A needle is recognised by its head, its first 64 bytes at most, with one pass of a compiled expression over a
trie of all heads. Behind the head it is followed for as long as the text agrees with it. So the work per byte
is bounded however long or alike the needles are, and the beginning of a long value is found without its end.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from triform.runs.mask_forms import Needle

HEAD = 64
_UNBROKEN = 4
_BREAK = re.compile(rb"\r?\n|(?:\\r)?\\n")
_BREAK_INSIDE = rb"(?:\r?\n|(?:\\r)?\\n)?"
_TORN_BREAK = re.compile(rb"(?:\r|\\r\\|\\r|\\)\Z")
_PADDING = re.compile(rb"=|%3[Dd]")
_TORN_PADDING = re.compile(rb"%3?\Z")
_WINDOW = 5 * HEAD


@dataclass(frozen=True, slots=True)
class Trail:
    """A needle that the end of the text cut off: agreed up to `offset`, to go on `gap` bytes before that end."""

    needle: Needle
    offset: int
    gap: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A needle from `start` to `end`, and the trails of those that may go on."""

    start: int
    end: int
    trails: tuple[Trail, ...] = ()


class Scanner:
    """For needles that are all alike in whether they wrap."""

    def __init__(self, needles: Iterable[Needle], wraps: bool) -> None:
        self._wraps = wraps
        self._by_head: dict[bytes, list[Needle]] = {}
        for needle in needles:
            self._by_head.setdefault(needle.text[:HEAD], []).append(needle)
        self._expression = re.compile(_alternatives(_trie(self._by_head), 0, wraps))
        self._beginnings = frozenset(head[:size] for head in self._by_head for size in range(1, len(head)))

    def anywhere(self, data: bytes) -> bool:
        """Whether there is any in a whole text."""
        return self._expression.search(data) is not None

    def found(self, data: bytes) -> Iterator[Found]:
        """Overlapping ones too, by where they start."""
        at = 0
        while (match := self._expression.search(data, at)) is not None:
            head = _BREAK.sub(b"", match[0]) if self._wraps else match[0]
            found = _followed(match, self._by_head[head], data)
            yield found
            extended = found.end - match.end()
            overlap = HEAD if extended else self._overlap(head) * (3 if self._wraps else 1)
            at = max(match.start() + 1, found.end - overlap)

    def held(self, data: bytes) -> int:
        """How many of the last bytes may be the beginning of a needle that is still to come."""
        if not self._wraps:
            return self._longest(data[-HEAD:])
        return self._held_with_breaks(data[-_WINDOW:])

    def _longest(self, end: bytes, least: int = 1) -> int:
        for size in range(min(HEAD, len(end)), least - 1, -1):
            if end[-size:] in self._beginnings:
                return size
        return 0

    def _held_with_breaks(self, end: bytes) -> int:
        straight = self._longest(end)
        torn = _TORN_BREAK.search(end)
        body = end[: torn.start()] if torn else end
        size = self._longest(_BREAK.sub(b"", body)[-HEAD:], least=_UNBROKEN)
        return len(end) - _place_of(body, size, straight) if size > straight else straight

    def _overlap(self, head: bytes) -> int:
        """How much of the end of this head may be the beginning of another needle."""
        return self._longest(head[1:])


def _place_of(body: bytes, size: int, straight: int) -> int:
    """Where the last `size` bytes that are no breaks begin; its first four must stand together."""
    places = [at for span in _unbroken(body) for at in range(*span)]
    first = places[-size]
    together = places[len(places) - size + _UNBROKEN - 1] == first + _UNBROKEN - 1
    return first if together else len(body) - straight


def _unbroken(data: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    for found in _BREAK.finditer(data):
        yield at, found.start()
        at = found.end()
    yield at, len(data)


def _followed(match: "re.Match[bytes]", needles: list[Needle], data: bytes) -> Found:
    end, trails = match.end(), list[Trail]()
    for needle in needles:
        reached, trail = follow(Trail(needle, min(len(needle.text), HEAD)), data, match.end())
        end = max(end, reached)
        trails += [trail] if trail else []
    return Found(match.start(), end, tuple(trails))


def follow(trail: Trail, data: bytes, at: int) -> tuple[int, Trail | None]:
    """As far as the text from `at` on agrees; a trail when it was the text that ended."""
    needle, offset = trail.needle, trail.offset
    while offset < len(needle.text):
        agreed = _agreed(needle.text, offset, data, at)
        at, offset = at + agreed, offset + agreed
        if offset == len(needle.text):
            break
        if at == len(data):
            return at, Trail(needle, offset)
        found = _BREAK.match(data, at) if needle.wraps else None
        if found is None:
            torn = needle.wraps and _TORN_BREAK.match(data, at)
            return at, Trail(needle, offset, len(data) - at) if torn else None
        if found.end() < len(data) and data[found.end()] != needle.text[offset]:
            return at, None
        if found.end() == len(data):
            return at, Trail(needle, offset, len(data) - at)
        at = found.end()
    return _edge(needle, offset, data, at)


def _edge(needle: Needle, offset: int, data: bytes, at: int) -> tuple[int, Trail | None]:
    """The shared last character, then at most two of padding, percent-encoded perhaps."""
    while needle.edge and offset < len(needle.text) + 3:
        if at == len(data):
            return at, Trail(needle, offset)
        if offset == len(needle.text):
            size = int(data[at] in needle.edge)
        elif (padding := _PADDING.match(data, at)) is not None:
            size = padding.end() - at
        else:
            torn = _TORN_PADDING.match(data, at)
            return at, Trail(needle, offset, len(data) - at) if torn else None
        if not size:
            break
        at, offset = at + size, offset + 1
    return at, None


def _agreed(text: bytes, offset: int, data: bytes, at: int) -> int:
    """How many bytes are the same, by halving."""
    low, high = 0, min(len(text) - offset, len(data) - at)
    if data.startswith(text[offset : offset + high], at):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if data.startswith(text[offset + low : offset + middle], at + low):
            low = middle
        else:
            high = middle
    return low


def _trie(heads: Iterable[bytes]) -> dict[int, Any]:
    """Nested by byte; -1 marks the end of a head."""
    root: dict[int, Any] = {}
    for head in heads:
        node = root
        for byte in head:
            node = node.setdefault(byte, {})
        node[-1] = None
    return root


def _alternatives(node: dict[int, Any], depth: int, wraps: bool) -> bytes:
    between = _BREAK_INSIDE if wraps and depth >= _UNBROKEN else b""
    branches = [
        between + re.escape(bytes([byte])) + _alternatives(child, depth + 1, wraps)
        for byte, child in sorted(node.items())
        if byte >= 0
    ]
    whole = branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")" if branches else b""
    return b"(?:" + whole + b")?" if branches and -1 in node else whole
