"""Texts from elsewhere put into a spec: files beside a declaration, at JSON pointers."""

from pathlib import Path
from typing import Any


class Unfit(Exception):
    """`message` says what is wrong, `fix` what to do about it."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


def text_of(folder: Path, name: Any) -> str:
    """The text of a file of the folder; nothing outside of it can be named. Raises Unfit."""
    target = (folder / str(name)).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise Unfit(f"{name} lies outside the folder", "keep the file next to the declaration")
    try:
        return target.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Unfit(f"cannot read {name}: {error}", "name a text file of this folder") from error


def put(spec: dict[str, Any], pointer: Any, value: str) -> None:
    """`value` at a JSON pointer; mappings that lead there are made. Raises Unfit."""
    *parents, last = steps(pointer)
    place = spec
    for step in parents:
        place = place.setdefault(step, {})
        if not isinstance(place, dict):
            raise Unfit(f"{pointer} leads through something that is no mapping", "mend the pointer")
    place[last] = value


def steps(pointer: Any) -> list[str]:
    """The keys of a JSON pointer. Raises Unfit."""
    if not isinstance(pointer, str) or not pointer.startswith("/"):
        raise Unfit(f"{pointer!r} is no JSON pointer", "for example /source/code")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]
