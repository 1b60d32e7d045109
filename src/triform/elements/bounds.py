"""How big what users write into an element may be."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from triform.circles.names import fits_one_line
from triform.errors import Complaint

NAME_LIMIT = 200
"""Characters of a name."""
INTENTION_LIMIT = 10_000
"""Characters of an intention."""
SPEC_LIMIT = 1 << 20
"""Bytes of a spec as JSON."""
META_LIMIT = 64 << 10
"""Bytes of the meta as JSON."""
DEPTH_LIMIT = 32
"""How deep objects and lists may be nested in spec and meta."""


def check_name(value: Any) -> Iterator[Complaint]:
    if not isinstance(value, str) or not value.strip():
        yield Complaint("/name", "a name is a non-empty string")
    elif len(value) > NAME_LIMIT:
        yield Complaint("/name", f"a name has at most {NAME_LIMIT} characters; this has {len(value)}")
    elif not fits_one_line(value):
        yield Complaint("/name", "a name has no line breaks or control characters")


def check_intention(value: Any) -> Iterator[Complaint]:
    if not isinstance(value, str):
        yield Complaint("/intention", "an intention is a string")
    elif len(value) > INTENTION_LIMIT:
        yield Complaint(
            "/intention", f"an intention has at most {INTENTION_LIMIT} characters; this has {len(value)}"
        )
    elif "\0" in value:
        yield Complaint("/intention", "an intention has no NUL characters")


def check_spec(value: Any, pointer: str = "/spec") -> Iterator[Complaint]:
    yield from _check_object(value, pointer, SPEC_LIMIT)


def check_meta(value: Any, pointer: str = "/meta") -> Iterator[Complaint]:
    yield from _check_object(value, pointer, META_LIMIT)


def _check_object(value: Any, pointer: str, limit: int) -> Iterator[Complaint]:
    if not isinstance(value, Mapping):
        yield Complaint(pointer, "this is a JSON object")
    elif _deeper_than(value, DEPTH_LIMIT):
        yield Complaint(pointer, f"objects and lists are nested at most {DEPTH_LIMIT} deep")
    elif (size := len(msgspec.json.encode(value))) > limit:
        yield Complaint(pointer, f"this has at most {limit} bytes as JSON; it has {size}")


def _deeper_than(value: Any, levels: int) -> bool:
    if not isinstance(value, Mapping | list):
        return False
    inner = value.values() if isinstance(value, Mapping) else value
    return levels == 0 or any(_deeper_than(each, levels - 1) for each in inner)
