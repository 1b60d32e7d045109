"""What an element of a form takes from files and from the environment of whoever applies it."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from triform.chemistry.document import KeyPath
from triform.cli.filling import Unfit, put, steps, text_of


@dataclass(slots=True)
class Filled:
    """`lacking`: values of secrets that could not be had, by pointer, and why: they are not always needed."""

    spec: dict[str, Any]
    lacking: dict[str, str] = field(default_factory=dict)
    mistakes: list[tuple[KeyPath, str]] = field(default_factory=list)

    def __repr__(self) -> str:
        return "Filled()"


def filled(folder: Path, given: Mapping[str, Any], environ: Mapping[str, str]) -> Filled:
    """The element's spec with everything in it that its `files` and `from_env` name."""
    found = Filled(deepcopy(dict(given.get("spec") or {})))
    for path in _written_secrets(found.spec, ("spec",)):
        found.mistakes.append((path, _NOT_HERE))
    for key, look in (
        ("files", lambda name: text_of(folder, name)),
        ("from_env", lambda name: _of(environ, name)),
    ):
        named = given.get(key)
        if named is not None and not isinstance(named, dict):
            found.mistakes.append(((key,), f"/{key} must be a mapping of JSON pointers, such as /source/code"))
            continue
        for pointer, name in (named or {}).items():
            _fill(found, (key, pointer), name, look)
    return found


def _fill(found: Filled, at: KeyPath, name: Any, look: Any) -> None:
    key, pointer = at
    try:
        steps(pointer)
        put(found.spec, pointer, look(name))
    except Unfit as unfit:
        message = f"/{key}: {unfit.message}; {unfit.fix}"
        if _is_secret(found.spec, str(pointer)):
            found.lacking[str(pointer)] = message
        else:
            found.mistakes.append((at, message))


def _of(environ: Mapping[str, str], name: Any) -> str:
    if not isinstance(name, str) or name not in environ:
        raise Unfit(f"the environment variable {name} is not set", f"export {name}=… before")
    return environ[name]


def _is_secret(spec: Any, pointer: str) -> bool:
    """Whether the pointer leads to the value of something the spec calls a secret."""
    if not pointer.startswith("/") or not pointer.endswith("/value"):
        return False
    for step in steps(pointer)[:-1]:
        spec = spec.get(step) if isinstance(spec, dict) else None
    return isinstance(spec, dict) and spec.get("secret") is True


def _written_secrets(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(value, dict):
        if value.get("secret") is True and "value" in value:
            yield (*path, "value")
        for key, inner in value.items():
            yield from _written_secrets(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _written_secrets(inner, (*path, place))


_NOT_HERE = (
    "a secret's value does not stand in a form; write {secret: true} and name where the value is: "
    "`from_env: {/…/value: VARIABLE}` or `files: {/…/value: FILE}`"
)
