"""What makes one JSON text another: an RFC 6902 patch whose steps also say what was there before."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from triform.runs.json_patch import same
from triform.runs.pointers import token

MOST = 200
MOST_BYTES = 256 << 10
"""Of all values in the steps that are told."""

Step = dict[str, Any]
"""`{op, path, value?, before?}`; patches may have members besides those of the standard."""


@dataclass(frozen=True, slots=True)
class Changes:
    """`steps` lead from one to the other, if `complete`; else they are the first of them."""

    steps: tuple[Step, ...]
    complete: bool

    @property
    def none(self) -> bool:
        return self.complete and not self.steps


def changes(before: bytes, after: bytes) -> Changes:
    """Between two JSON texts, as what they mean: the order of members does not count, 1 is not 1.0."""
    if before == after:
        return Changes((), True)
    try:
        one, other = msgspec.json.decode(before), msgspec.json.decode(after)
        return _bounded(_between(one, other, ""))
    except (msgspec.DecodeError, RecursionError):
        whole = {"op": "replace", "path": "", "value": msgspec.Raw(after), "before": msgspec.Raw(before)}
        return _bounded(iter([whole]))


def _bounded(steps: Iterator[Step]) -> Changes:
    told: list[Step] = []
    room = MOST_BYTES
    for step in steps:
        room -= len(msgspec.json.encode(step))
        if len(told) == MOST or room < 0:
            return Changes(tuple(told), False)
        told.append(step)
    return Changes(tuple(told), True)


def _between(one: Any, other: Any, at: str) -> Iterator[Step]:
    if isinstance(one, dict) and isinstance(other, dict):
        yield from _members(one, other, at)
    elif isinstance(one, list) and isinstance(other, list):
        yield from _items(one, other, at)
    elif not same(one, other):
        yield {"op": "replace", "path": at, "value": other, "before": one}


def _members(one: dict[str, Any], other: dict[str, Any], at: str) -> Iterator[Step]:
    for name, value in one.items():
        if name not in other:
            yield {"op": "remove", "path": at + token(name), "before": value}
    for name, value in other.items():
        if name in one:
            yield from _between(one[name], value, at + token(name))
        else:
            yield {"op": "add", "path": at + token(name), "value": value}


def _items(one: list[Any], other: list[Any], at: str) -> Iterator[Step]:
    """What both begin and end with stays; what is between is compared place by place."""
    begin = _alike(one, other)
    end = _alike(one[begin:][::-1], other[begin:][::-1])
    removed, added = one[begin : len(one) - end], other[begin : len(other) - end]
    both = min(len(removed), len(added))
    for place in range(both):
        yield from _between(removed[place], added[place], at + token(begin + place))
    for value in removed[both:]:
        yield {"op": "remove", "path": at + token(begin + both), "before": value}
    for place, value in enumerate(added[both:], begin + both):
        yield {"op": "add", "path": at + token(place), "value": value}


def _alike(one: list[Any], other: list[Any]) -> int:
    """How many items they begin with that are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, pair in pairs if not same(*pair)), min(len(one), len(other)))
