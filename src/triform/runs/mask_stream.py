"""Masking what arrives in pieces. Whatever the pieces, the result is that of masking the whole at once.

piece ──► [ kept from before | piece ] ──► found ones replaced ──► all but what may become one
"""

from collections.abc import Iterator, Sequence

from triform.runs.mask_scan import Scan, Scanner, Span

MARKER = b"[secret]"
_TELLING = 4
"""Bytes of a beginning that are not shown at a place where a text was cut off."""


class MaskStream:
    """One stream of bytes. At most a few hundred bytes are held back."""

    def __init__(self, scanners: Sequence[Scanner]) -> None:
        self._scanners = scanners
        self._scans = [Scan(scanner) for scanner in scanners]
        self._kept = b""
        self._shown = 0
        """Of what is kept: it is there to be searched again."""
        self._open = False
        """The marker was the last thing shown."""
        self._spans: list[Span] = []

    def feed(self, data: bytes) -> bytes:
        """What can be shown by now."""
        return self._next(data, last=False)

    def end(self, *, cut: bool = False) -> bytes:
        """The rest. `cut`: the text may have been cut off within a value, so a beginning counts as one."""
        size = len(self._kept)
        beginning = max((scanner.held(self._kept) for scanner in self._scanners), default=0) if cut else 0
        self._spans += [(size - beginning, size)] if beginning >= _TELLING else []
        return self._next(b"", last=True)

    def _next(self, data: bytes, *, last: bool) -> bytes:
        text = self._kept + data
        for scan in self._scans:
            self._spans += scan.over(text, last=last)
        decided = min((scan.decided for scan in self._scans), default=len(text))
        shown = b"".join(self._replaced(text, max(decided, self._shown)))
        self._forget(text, min((scan.cursor for scan in self._scans), default=self._shown))
        return shown

    def _replaced(self, text: bytes, until: int) -> Iterator[bytes]:
        """What has not been shown yet, each stretch of spans as one marker."""
        for start, end in _joined(self._spans):
            if end <= self._shown or start >= until:
                continue
            if start > self._shown:
                yield text[self._shown : start]
                self._open = False
            if not self._open:
                yield MARKER
            self._open, self._shown = True, min(end, until)
        if until > self._shown:
            yield text[self._shown : until]
            self._open, self._shown = False, until

    def _forget(self, text: bytes, cursor: int) -> None:
        size = min(cursor, self._shown)
        self._kept, self._shown = text[size:], self._shown - size
        self._spans = [(start - size, end - size) for start, end in self._spans if end - size > self._shown]
        for scan in self._scans:
            scan.forget(size)


def _joined(spans: list[Span]) -> Iterator[Span]:
    """In order, those that overlap or touch made one."""
    current: Span | None = None
    for start, end in sorted(spans):
        if current is None:
            current = (start, end)
        elif start <= current[1]:
            current = (current[0], max(current[1], end))
        else:
            yield current
            current = (start, end)
    if current is not None:
        yield current
