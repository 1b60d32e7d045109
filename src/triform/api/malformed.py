"""Where a text stops being JSON: the first character that nothing well-formed has there."""

import re
from dataclasses import dataclass

from pydantic_core import from_json

_SAID = re.compile(r"(?P<reason>.*) at line (?P<line>\d+) column (?P<column>\d+)", re.DOTALL)
_WORDS = {"expected ident": "expected true, false or null"}


@dataclass(frozen=True, slots=True)
class Place:
    """Lines and columns count from 1, columns in characters. A text that ends too early stops behind its end."""

    line: int
    column: int
    reason: str


def first_fault(raw: bytes) -> Place:
    """The place where `raw`, which is not JSON, goes wrong."""
    try:
        from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        said = _SAID.fullmatch(str(error))
        if said:
            return _place(raw, said["reason"], int(said["line"]), int(said["column"]))
    return at(raw, len(raw), "it is no JSON")


def at(raw: bytes, offset: int, reason: str) -> Place:
    """The place of a byte."""
    start = raw.rfind(b"\n", 0, offset) + 1
    column = len(raw[start:offset].decode(errors="replace")) + 1
    return Place(raw.count(b"\n", 0, offset) + 1, column, reason)


def _place(raw: bytes, reason: str, line: int, column: int) -> Place:
    """The parser counts bytes, and says of a text that ends too early where its last one is."""
    if reason.startswith("EOF while parsing"):
        return at(raw, len(raw), f"it ends in the middle of {reason.removeprefix('EOF while parsing ')}")
    start = 0
    for _ in range(line - 1):
        start = raw.index(b"\n", start) + 1
    return at(raw, start + column - 1, _WORDS.get(reason, reason))
