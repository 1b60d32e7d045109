"""Known secret values are replaced wherever they turn up in what a run leaves behind."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from triform.errors import Complaint, Failure, Suggestion
from triform.runs.mask_forms import Needle, needles_of
from triform.runs.mask_scan import Scanner
from triform.runs.mask_stream import MARKER, MaskStream

_SLICE = 64 << 10
_CLIPPED = (64 << 10) - 4
"""Texts from this length on may have been cut off by whoever told them, within a value too."""
_MARKER = MARKER.decode()
_WITHHELD = msgspec.json.encode(_MARKER)


class Mask:
    """For a set of values. Holds them in memory and tells nobody: no repr, no pickle."""

    def __init__(self, values: Iterable[str]) -> None:
        needles: dict[bytes, Needle] = {}
        for value in values:
            needles |= needles_of(value)
        kinds = ([needle for needle in needles.values() if needle.wraps is wraps] for wraps in (False, True))
        self._scanners = tuple(
            Scanner(kind, wraps) for kind, wraps in zip(kinds, (False, True), strict=True) if kind
        )

    def __repr__(self) -> str:
        return "Mask(…)"

    def __reduce__(self) -> Any:
        raise TypeError("a mask stays in its process")

    def stream(self) -> MaskStream:
        """For text that comes in pieces."""
        return MaskStream(self._scanners)

    def raw(self, data: bytes) -> bytes:
        """A whole text; `data` itself when there is nothing to replace."""
        short = len(data) < _CLIPPED
        return data if short and not any(s.head(data) for s in self._scanners) else self._sliced(data)

    def _sliced(self, data: bytes) -> bytes:
        stream = self.stream()
        slices = range(0, len(data), _SLICE)  # so that other threads have their turn
        shown = b"".join([stream.feed(data[at : at + _SLICE]) for at in slices])
        shown += stream.end(cut=len(data) >= _CLIPPED)
        return data if shown == data else shown

    def sees(self, data: bytes) -> bool:
        """Whether any value is in a whole text."""
        return self.raw(data) != data

    def text(self, text: str) -> str:
        given = text.encode("utf-8", "surrogatepass")
        shown = self.raw(given)
        return text if shown is given else shown.decode("utf-8", "replace")

    def json(self, data: bytes) -> bytes:
        """A JSON text, which stays one: strings, names and numbers are looked at as what they mean.

        What cannot be taken apart that way, such as a value that is JSON itself, is withheld whole.
        """
        if b"\\" not in data and self.raw(data) is data:
            return data
        try:
            value = msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError):
            return data if self.raw(data) is data else _WITHHELD
        masked = self.value(value)
        shown = data if masked == value else msgspec.json.encode(masked)
        return shown if self.raw(shown) is shown else _WITHHELD

    def value(self, value: Any) -> Any:
        """A JSON value, in depth; a number that is a secret becomes the marker. Other objects stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.value(name): self.value(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return type(value)([self.value(inner) for inner in value])
        if isinstance(value, int | float) and not isinstance(value, bool):
            shown = repr(value)
            return value if self.text(shown) == shown else _MARKER
        return value

    def failure(self, failure: Failure) -> Failure:
        """Everything in it that is text; codes stay."""
        return replace(
            failure,
            message=self.text(failure.message),
            suggestion=self._suggestion(failure.suggestion),
            errors=tuple(Complaint(self.text(each.pointer), self.text(each.message)) for each in failure.errors),
            facts=self.value(failure.facts),
        )

    def _suggestion(self, suggestion: Suggestion | None) -> Suggestion | None:
        if suggestion is None:
            return None
        return replace(
            suggestion,
            why=self.text(suggestion.why),
            fix=self.text(suggestion.fix),
            patch=self.value(suggestion.patch),
            example=self.value(suggestion.example),
        )
