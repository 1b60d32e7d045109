"""Masking what arrives in pieces. Whatever the pieces, the result is that of masking the whole at once.

piece ──► [ held from before | piece ] ──► found ones replaced ──► all but what may become one
"""

from collections.abc import Iterator, Sequence

from triform.runs.mask_scan import Scanner, Trail, follow

MARKER = b"[secret]"
_TELLING = 4
"""Bytes of a beginning that are not shown at a place where a text was cut off."""

Span = tuple[int, int]


class MaskStream:
    """One stream of bytes. At most a few hundred bytes are held back."""

    def __init__(self, scanners: Sequence[Scanner]) -> None:
        self._scanners = scanners
        self._held = b""
        self._open = False
        """The marker was the last thing given out, or its rest is in what is held."""
        self._covered = 0
        self._trails: list[Trail] = []

    def feed(self, data: bytes) -> bytes:
        """What can be shown by now."""
        return self._next(data, hold=True)

    def end(self, *, cut: bool = False) -> bytes:
        """The rest. `cut`: the text may have been cut off within a value, so a beginning counts as one."""
        last = self._held
        beginning = max((scanner.held(last) for scanner in self._scanners), default=0) if cut else 0
        return self._next(b"", hold=False, more=beginning if beginning >= _TELLING else 0)

    def _next(self, data: bytes, *, hold: bool, more: int = 0) -> bytes:
        before, text = len(self._held), self._held + data
        spans, trails = self._continued(text, before)
        fresh = [found for scanner in self._scanners for found in scanner.found(text)]
        spans += [(found.start, found.end) for found in fresh]
        spans += [(len(text) - more, len(text))] if more else []
        gaps = [trail.gap for trail in (*trails, *(each for found in fresh for each in found.trails))]
        keep = max([*gaps, *(scanner.held(text) for scanner in self._scanners)], default=0) if hold else 0
        cut = len(text) - keep
        self._trails = trails + [trail for found in fresh if found.start < cut for trail in found.trails]
        return self._shown(text, cut, list(_joined(spans)))

    def _continued(self, text: bytes, before: int) -> tuple[list[Span], list[Trail]]:
        """What was masked already, and how far cut-off needles go on."""
        spans = [(0, self._covered)] if self._covered else []
        trails: list[Trail] = []
        for trail in self._trails:
            at = before - trail.gap
            end, further = follow(trail, text, at)
            spans += [(at, end)] if end > at else []
            trails += [further] if further else []
        return spans, trails

    def _shown(self, text: bytes, cut: int, spans: list[Span]) -> bytes:
        shown, at, ended_open = bytearray(), 0, self._open and cut == 0
        self._covered = 0
        for start, end in spans:
            if start >= cut and not (start == 0 and self._open):
                break
            shown += text[at:start]
            if not (start == 0 and self._open):
                shown += MARKER
            at, ended_open = min(end, cut), end >= cut
            self._covered = max(0, end - cut)
        shown += text[at:cut]
        self._open, self._held = ended_open, text[cut:]
        return bytes(shown)


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
