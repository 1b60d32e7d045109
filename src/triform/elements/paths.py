"""Addresses: `/api/{circle}[/{project}…][/{slug}]`, each with an optional `/ops/{path}`.

An address is read from the path as it came over the wire, before any percent-decoding: the alphabet of
slugs needs no escapes, so whatever is escaped, accented or capitalised names nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from triform.errors import Complaint, NotFound

RESERVED_SLUGS = frozenset({"ops", "events", "mcp"})
"""What stands where a slug would, and means something else."""

SLUG_RULE = "a lower-case letter, then up to 62 lower-case letters, digits or hyphens"

_SLUG = re.compile(r"[a-z][a-z0-9-]{0,62}")
_OPERATION_SEGMENT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OPERATIONS = "ops"
_LONGEST = 1024
_DEEPEST = 11


@dataclass(frozen=True, slots=True)
class Address:
    """What a path names. `slug` None = the circle itself; `operation` is what follows `/ops/`, None = bare.

    `through` are the slugs before the last: what holds the element, from the outside in.
    """

    circle: str
    slug: str | None = None
    operation: str | None = None
    through: tuple[str, ...] = ()


def is_slug(value: Any) -> bool:
    """Whether `value` is spelled like a slug (reserved ones are)."""
    return isinstance(value, str) and _SLUG.fullmatch(value) is not None


def check_slug(value: Any, pointer: str = "/slug") -> Complaint | None:
    """What is wrong with a slug somebody wants to use, or None."""
    if not is_slug(value):
        return Complaint(pointer, f"a slug is {SLUG_RULE}")
    if value in RESERVED_SLUGS:
        return Complaint(pointer, f"'{value}' is reserved; choose another slug")
    return None


def parse(raw_path: str) -> Address:
    """The address in a raw path below `/api/`, e.g. `acme/greet/ops/runs`. Anything else is NotFound.

    One trailing slash is allowed on a bare address: that is where elements are created.
    """
    if len(raw_path) > _LONGEST:
        raise NotFound()
    circle, *rest = raw_path.split("/")
    if not is_slug(circle):
        raise NotFound()
    slugs = list(takewhile(lambda segment: segment != _OPERATIONS, rest))
    operation = _operation(rest[len(slugs) + 1 :]) if len(slugs) < len(rest) else None
    if operation is None and slugs[-1:] == [""]:
        slugs.pop()
    if len(slugs) > _DEEPEST or any(map(check_slug, slugs)):
        raise NotFound()
    return Address(circle, slugs[-1] if slugs else None, operation, tuple(slugs[:-1]))


def _operation(segments: Sequence[str]) -> str:
    if not segments or not all(map(_OPERATION_SEGMENT.fullmatch, segments)):
        raise NotFound()
    return "/".join(segments)
