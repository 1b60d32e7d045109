"""Finding needles in bytes that arrive in pieces: what is found, what may yet become one, how far one goes on.

A needle is recognised by its head, its first 64 bytes at most, with one pass of a compiled expression over a
trie of all heads. Behind the head it is followed for as long as the text agrees with it. So the work per byte
is bounded however long or alike the needles are, and the beginning of a long value is found without its end.
"""

import re
from collections.abc import Iterable
from typing import Any

from triform.runs.mask_follow import BREAK, TORN_BREAK, Trail, follow
from triform.runs.mask_forms import HEAD, Needle

_UNBROKEN = 4
_BREAK_INSIDE = b"(?:" + BREAK.pattern + b")?"
_WINDOW = 5 * HEAD
"""A head with line breaks in it."""
_MOST_HEADS = 8
"""Followed in one stretch, from wherever they begin in it; then it is left for where it ends."""

Span = tuple[int, int]


class Scanner:
    """For needles that are all alike in whether they wrap."""

    def __init__(self, needles: Iterable[Needle], wraps: bool) -> None:
        self._wraps = wraps
        self._by_head: dict[bytes, list[Needle]] = {}
        for needle in needles:
            self._by_head.setdefault(needle.text[:HEAD], []).append(needle)
        self._expression = re.compile(_alternatives(_trie(self._by_head), 0, wraps))
        self._beginnings = frozenset(head[:size] for head in self._by_head for size in range(1, len(head)))
        openings = _trie(head[:_UNBROKEN] for head in self._by_head)
        self._openings = re.compile(b"(?=" + _alternatives(openings, 0, wraps=False) + b")")
        self.reach = _WINDOW if wraps else HEAD
        """No head is longer in a text."""

    def head(self, data: bytes, at: int = 0) -> "re.Match[bytes] | None":
        """The first one from `at` on, the longest of those that begin there."""
        return self._expression.search(data, at)

    def trails(self, head: "re.Match[bytes]") -> list[Trail]:
        """The needles that begin with it."""
        text = BREAK.sub(b"", head[0]) if self._wraps else head[0]
        return [Trail(needle, len(text), head.end()) for needle in self._by_head[text]]

    def held(self, data: bytes) -> int:
        """How many of the last bytes may be the beginning of a head that is still to come."""
        if self._wraps and (broken := self._held_with_breaks(data[-_WINDOW:])):
            return broken
        sizes = range(min(HEAD, len(data)), 0, -1)
        return next((size for size in sizes if data[-size:] in self._beginnings), 0)

    def _held_with_breaks(self, end: bytes) -> int:
        """One that has its first four bytes, which stand together. It may begin within what looks like a break."""
        torn = TORN_BREAK.search(end)
        until = torn.start() if torn else len(end)
        openings = (found.start() for found in self._openings.finditer(end))
        begun = (at for at in openings if BREAK.sub(b"", end[at:until]) in self._beginnings)
        return len(end) - next(begun, len(end))


class Scan:
    """A scanner on its way through one text: where it has come to depends on the text, not on its pieces."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self.cursor = 0
        """No head that begins before it is still to be found."""
        self.decided = 0
        """Whatever covers a byte before it has been told."""
        self._trails: list[Trail] = []
        self._end = 0
        """Of the stretch that needles have covered so far."""
        self._heads = 0

    def over(self, text: bytes, *, last: bool) -> list[Span]:
        """What is covered beyond what was told before; `text` is what it was, and more at its end."""
        trails, self._trails = self._trails, []
        spans = [(trail.at, self._followed(trail, text, last)) for trail in trails]
        limit = len(text) if last else len(text) - self._scanner.held(text)
        while (head := self._next(text, limit)) is not None:
            spans.append((head.start(), self._begun(head, text, last)))
        self.decided = min([limit, *(trail.at for trail in self._trails)])
        return spans

    def forget(self, size: int) -> None:
        """The first bytes of the text are no longer there."""
        self.cursor, self._end = self.cursor - size, self._end - size
        self._trails = [Trail(trail.needle, trail.offset, trail.at - size) for trail in self._trails]

    def _next(self, text: bytes, limit: int) -> "re.Match[bytes] | None":
        if self._heads == _MOST_HEADS:
            self.cursor = max(self.cursor, self._end - self._scanner.reach)
            if self._trails:
                return None
            self._heads = 0
        head = self._scanner.head(text, self.cursor)
        if head is not None and head.start() < limit:
            return head
        self.cursor = max(self.cursor, limit)
        return None

    def _begun(self, head: "re.Match[bytes]", text: bytes, last: bool) -> int:
        self._heads = self._heads + 1 if head.start() <= self._end else 1
        self.cursor = head.start() + 1
        return max(self._followed(trail, text, last) for trail in self._scanner.trails(head))

    def _followed(self, trail: Trail, text: bytes, last: bool) -> int:
        reached, further = follow(trail, text)
        self._trails += [further] if further and not last else []
        self._end = max(self._end, reached)
        return reached


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
