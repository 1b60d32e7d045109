"""JSON pointers (RFC 6901): texts, the names they are made of, and the places of a value they lead to."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any


def token(name: str | int) -> str:
    """`/` and the name, escaped."""
    return "/" + str(name).replace("~", "~0").replace("/", "~1")


def names(pointer: str) -> list[str]:
    """The names along a pointer. Raises ValueError for what is none."""
    if pointer and not pointer.startswith("/"):
        raise ValueError(pointer)
    parts = pointer.split("/")[1:]
    if any("~" in part.replace("~0", "").replace("~1", "") for part in parts):
        raise ValueError(pointer)
    return [part.replace("~1", "/").replace("~0", "~") for part in parts]


def places_of(value: Any, wanted: Callable[[str], bool], most: int) -> list[str]:
    """Pointers to texts that are wanted, and to members whose name is."""
    return list(islice(_places(value, wanted, ""), most))


def _places(value: Any, wanted: Callable[[str], bool], at: str) -> Iterator[str]:
    if isinstance(value, str) and wanted(value):
        yield at
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from [at + token(name)] if wanted(name) else _places(inner, wanted, at + token(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, wanted, at + token(index))
