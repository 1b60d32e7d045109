"""JSON Patch (RFC 6902), applied under a bound, and refused by the step and its member."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from triform.runs.pointers import names

_CANONICAL = msgspec.json.Encoder(order="deterministic")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


class BadPatch(Exception):
    """Step number `step` cannot be taken, because of its `member`."""

    def __init__(self, member: str, reason: str, step: int = 0) -> None:
        super().__init__(reason)
        self.member = member
        self.reason = reason
        self.step = step


def patched(document: bytes, steps: Sequence[Mapping[str, Any]], most_bytes: int) -> bytes:
    """A JSON text after all steps; what they put into it is at most so large together. Raises BadPatch."""
    work = _Work(msgspec.json.decode(document), most_bytes)
    try:
        for number, step in enumerate(steps):
            work.number = number
            _STEPS[step["op"]](work, step)
        return msgspec.json.encode(work.document)
    except BadPatch as error:
        raise BadPatch(error.member, error.reason, work.number) from None
    except RecursionError:
        raise BadPatch("path", "this nests the document too deep", work.number) from None


def same(one: Any, other: Any) -> bool:
    """As JSON: neither true nor 1.0 is 1, the order of members does not count."""
    return bool(one == other) and _CANONICAL.encode(one) == _CANONICAL.encode(other)


@dataclass(slots=True)
class _Work:
    document: Any
    room: int
    number: int = 0

    def at(self, step: Mapping[str, Any], member: str) -> Any:
        """The value a pointer leads to."""
        value = self.document
        for name in _names(step, member):
            value = _inner(value, name, member)
        return value

    def add(self, step: Mapping[str, Any], value: Any) -> None:
        path = _names(step, "path")
        if not path:
            self.document = value
            return
        parent = self._parent(path, "path")
        if isinstance(parent, list):
            parent.insert(len(parent) if path[-1] == "-" else _index(path[-1], len(parent), "path"), value)
        elif isinstance(parent, dict):
            parent[path[-1]] = value
        else:
            raise BadPatch("path", "this leads into a value that has no members")

    def remove(self, step: Mapping[str, Any], member: str) -> Any:
        path = _names(step, member)
        if not path:
            raise BadPatch(member, "the whole document cannot be taken away; replace it")
        parent = self._parent(path, member)
        removed = _inner(parent, path[-1], member)
        del parent[int(path[-1]) if isinstance(parent, list) else path[-1]]
        return removed

    def replace(self, step: Mapping[str, Any], value: Any) -> None:
        path = _names(step, "path")
        if not path:
            self.document = value
            return
        parent = self._parent(path, "path")
        _inner(parent, path[-1], "path")
        parent[int(path[-1]) if isinstance(parent, list) else path[-1]] = value

    def copied(self, value: Any) -> Any:
        text = msgspec.json.encode(value)
        self.room -= len(text)
        if self.room < 0:
            raise BadPatch("from", "the patch copies too much")
        return msgspec.json.decode(text)

    def _parent(self, path: Sequence[str], member: str) -> Any:
        value = self.document
        for name in path[:-1]:
            value = _inner(value, name, member)
        return value


def _add(work: _Work, step: Mapping[str, Any]) -> None:
    work.add(step, work.copied(_value(step)))


def _remove(work: _Work, step: Mapping[str, Any]) -> None:
    work.remove(step, "path")


def _replace(work: _Work, step: Mapping[str, Any]) -> None:
    work.replace(step, work.copied(_value(step)))


def _move(work: _Work, step: Mapping[str, Any]) -> None:
    start, end = _names(step, "from"), _names(step, "path")
    if start == end:
        work.at(step, "from")
    elif start == end[: len(start)]:
        raise BadPatch("path", "a value cannot be moved into itself")
    else:
        work.add(step, work.remove(step, "from"))


def _copy(work: _Work, step: Mapping[str, Any]) -> None:
    work.add(step, work.copied(work.at(step, "from")))


def _test(work: _Work, step: Mapping[str, Any]) -> None:
    if not same(work.at(step, "path"), _value(step)):
        raise BadPatch("value", "the value there is another one")


_STEPS: Mapping[str, Callable[[_Work, Mapping[str, Any]], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def _value(step: Mapping[str, Any]) -> Any:
    if "value" not in step:
        raise BadPatch("value", f"{step['op']} needs a value")
    return step["value"]


def _names(step: Mapping[str, Any], member: str) -> list[str]:
    if member not in step:
        raise BadPatch(member, f"{step['op']} needs `{member}`")
    try:
        return names(step[member])
    except ValueError:
        raise BadPatch(member, "this is no JSON pointer, such as /items/0/name") from None


def _inner(value: Any, name: str, member: str) -> Any:
    if isinstance(value, list):
        return value[_index(name, len(value) - 1, member)]
    if isinstance(value, dict) and name in value:
        return value[name]
    raise BadPatch(member, f"there is no {name!r}")


def _index(name: str, most: int, member: str) -> int:
    if not _INDEX.fullmatch(name) or int(name) > most:
        raise BadPatch(member, f"there is no {name!r} in a list of {most + 1}")
    return int(name)
