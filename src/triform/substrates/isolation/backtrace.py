"""Where user code failed: its own frames, and the lines around the first of them."""

from pathlib import Path, PurePosixPath
from typing import Any

from triform.substrates.isolation.interfaces import TemplateSpec
from triform.substrates.isolation.messages import GuestError, Place

_AROUND = 2
_LINE_LENGTH = 200


def own_frames(error: GuestError) -> tuple[Place, ...]:
    """Frames in user code: their file is relative."""
    return tuple(place for place in error.backtrace if not PurePosixPath(place.file).is_absolute())


def first_place(error: GuestError, entry: str) -> Place | None:
    """Where in user code it happened; syntax problems have a line but no frame."""
    if error.errors:
        return Place(file=error.errors[0].file or entry, line=error.errors[0].line)
    frames = own_frames(error)
    return frames[0] if frames else None


def exception_facts(error: GuestError, template: TemplateSpec) -> dict[str, Any]:
    """Class, message, user frames, the source around the first, and the chain of causes."""
    facts: dict[str, Any] = {
        "class": error.class_name,
        "message": error.message,
        "backtrace": [_text(place) for place in own_frames(error)],
    }
    if len(own_frames(error)) < len(error.backtrace):
        facts["full_backtrace"] = [_text(place) for place in error.backtrace]
    if error.path:
        facts["path"] = error.path
    place = first_place(error, template.entry)
    if place and (source := source_around(template.code, place)):
        facts["source"] = source
    if error.cause:
        facts["cause"] = exception_facts(error.cause, template)
    return facts


def source_around(folder: Path, place: Place) -> dict[str, Any] | None:
    """The failing line with its neighbours, None when there is no such line in the code."""
    return excerpt(_text_of(folder, place.file), place)


def excerpt(text: str, place: Place) -> dict[str, Any] | None:
    """As `source_around`, of a file with this text. A parser may stop in the line behind the last."""
    lines = text.removesuffix("\n").split("\n")
    if not text or not 0 < place.line <= len(lines) + 1:
        return None
    first = max(place.line - _AROUND, 1)
    shown = lines[first - 1 : place.line + _AROUND]
    context = [{"line": first + at, "text": text[:_LINE_LENGTH]} for at, text in enumerate(shown)]
    return {"file": place.file, "line": place.line, "context": context}


def _text_of(folder: Path, file: str) -> str:
    """The guest names the file: only one inside the folder is read, and a name that is none is no fault."""
    try:
        path = (folder / file).resolve(strict=True)
        inside = path.is_relative_to(folder.resolve()) and path.is_file()
        return path.read_text(errors="replace") if inside else ""
    except (OSError, ValueError, RuntimeError):
        return ""


def _text(place: Place) -> str:
    return f"{place.file}:{place.line}" + (f":in {place.label}" if place.label else "")
