"""The lines of one run while it goes on: cut, numbered, timed, bounded, never mixed with another's."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from triform.clock import Clock
from triform.runs.mask import Mask
from triform.runs.mask_stream import MaskStream
from triform.runs.model import LogSummary

SYSTEM = "system"
"""The stream of lines the platform itself adds, such as the drop marker."""


class Line(NamedTuple):
    """`at_us` is microseconds since the epoch. Stored as the JSON array of these four."""

    seq: int
    stream: str
    at_us: int
    text: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What is stored at the end of an attempt."""

    lines: tuple[Line, ...]
    summary: LogSummary


class LogBook:
    """Takes raw bytes of several streams, gives whole lines. Over `limit_bytes` lines are counted, not kept.

    `earlier` are the lines of former attempts of the same run; numbering goes on behind them.
    """

    def __init__(self, clock: Clock, limit_bytes: int, earlier: Kept | None = None) -> None:
        self._clock = clock
        self._limit = limit_bytes
        self.lines: list[Line] = list(earlier.lines) if earlier else []
        self.total = earlier.summary.total if earlier else 0
        self.dropped = earlier.summary.dropped if earlier else 0
        self.complete = earlier.summary.complete if earlier else True
        self._used = sum(len(line.text) for line in self.lines)
        self._torn: dict[str, bytearray] = {}
        self._mask: Mask | None = None
        self._masking: dict[str, MaskStream] = {}

    def hide(self, mask: Mask | None) -> None:
        """From now on what the mask knows is replaced before anything is cut, kept or spooled."""
        self._mask = mask

    def write(self, stream: str, data: bytes) -> None:
        """Any piece of output; a line ends at its newline or at the end of the run."""
        if self._mask is not None and not self.dropped:  # what is dropped is only counted
            stream_of = self._masking.get(stream) or self._masking.setdefault(stream, self._mask.stream())
            data = stream_of.feed(data)
        self._write(stream, data)

    def _write(self, stream: str, data: bytes) -> None:
        at_us = _microseconds(self._clock.now())
        torn = self._torn.get(stream)
        *whole, rest = data.split(b"\n")
        if whole:
            whole[0] = bytes(torn or b"") + whole[0]
            torn = None
            for text in whole:
                self._add(stream, at_us, text)
        self._keep_torn(stream, torn, rest, at_us)

    def finish(self) -> Kept:
        """Ends torn lines and says how many were dropped; afterwards the book is closed."""
        for stream, masking in self._masking.items():
            self._write(stream, masking.end(cut=True))
        self._masking.clear()
        at_us = _microseconds(self._clock.now())
        for stream, text in self._torn.items():
            if text:
                self._add(stream, at_us, bytes(text))
        self._torn.clear()
        lines = tuple(self.lines)
        if self.dropped:
            note = f"{self.dropped} more lines were dropped: the log limit of {self._limit} bytes was reached"
            lines += (Line(self.total + 1, SYSTEM, at_us, note),)
        return Kept(lines, LogSummary(self.total, self.dropped, self.complete))

    def _keep_torn(self, stream: str, torn: bytearray | None, rest: bytes, at_us: int) -> None:
        torn = torn if torn is not None else bytearray()
        torn += rest
        if len(torn) > self._limit:
            self._add(stream, at_us, bytes(torn))
            torn = bytearray()
        self._torn[stream] = torn

    def _add(self, stream: str, at_us: int, text: bytes) -> None:
        self.total += 1
        if self.dropped or self._used + len(text) > self._limit:
            self.dropped += 1
            return
        self._used += len(text)
        self.lines.append(Line(self.total, stream, at_us, text.decode("utf-8", "replace")))


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
