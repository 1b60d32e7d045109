"""Requirements in Bundler's notation, read and never evaluated. Pure.

name                        any version
name ~> 1.2                 operator and version
name >= 1.2, < 3            several, all of which must hold
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from triform.errors import Complaint, Suggestion

POINTER = "/requirements"

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_VERSION = r"[0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z]+(?:\.[0-9A-Za-z]+)*)?"
_LETTER = re.compile(r"[A-Za-z]")
_ENTRY = re.compile(rf"({_NAME}?)\s*((?:[~<>=!,\s]).*)?", re.ASCII)
_CONSTRAINT = re.compile(rf"(~>|>=|<=|!=|=|<|>)\s*({_VERSION})", re.ASCII)
_MOST_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Requirement:
    """A gem and what its version must satisfy, each constraint as `operator version`."""

    name: str
    constraints: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {', '.join(self.constraints)}".strip()

    def as_json(self) -> dict[str, object]:
        return {"name": self.name, "constraints": list(self.constraints)}


class BadRequirement(ValueError):
    """An entry that is no requirement; `instead` is what was most likely meant."""

    def __init__(self, message: str, instead: str | None = None) -> None:
        super().__init__(message)
        self.instead = instead


@dataclass(frozen=True, slots=True)
class Reading:
    """What a list of entries says. With complaints, the suggestion helps to get past all that can be guessed."""

    requirements: tuple[Requirement, ...]
    complaints: tuple[Complaint, ...] = ()
    suggestion: Suggestion | None = None


def read(entries: Sequence[str], source: str = "") -> Reading:
    """Every entry, each complaint with its place; `source` is the pointer to what has the requirements."""
    found: dict[str, Requirement] = {}
    complaints: list[Complaint] = []
    replaced: list[dict[str, object]] = []
    removed: list[dict[str, object]] = []
    for number, entry in enumerate(entries):
        pointer = f"{source}{POINTER}/{number}"
        try:
            requirement = read_one(entry)
        except BadRequirement as bad:
            complaints.append(Complaint(pointer, str(bad)))
            if bad.instead:
                replaced.append({"op": "replace", "path": pointer, "value": bad.instead})
            continue
        if requirement.name in found:
            complaints.append(
                Complaint(pointer, f"{requirement.name} is listed already; say all of it in one entry")
            )
            removed.insert(0, {"op": "remove", "path": pointer})
        found.setdefault(requirement.name, requirement)
    return Reading(tuple(found.values()), tuple(complaints), _suggestion(complaints, [*replaced, *removed]))


def read_one(entry: str) -> Requirement:
    """One entry. Raises BadRequirement."""
    text = entry.strip()
    if len(text) > _MOST_CHARACTERS:
        raise BadRequirement(f"is longer than {_MOST_CHARACTERS} characters")
    whole = _ENTRY.fullmatch(text)
    if whole is None or not _LETTER.search(whole[1]):
        raise BadRequirement(_NOT_A_GEM, _meant(text))
    constraints = tuple(_constraints(text, (whole[2] or "").strip()))
    return Requirement(whole[1], constraints)


_NOT_A_GEM = "is no gem in Bundler's notation, such as sinatra ~> 3.0 or json >= 2.6, < 3.0"


def _constraints(text: str, listed: str) -> Iterator[str]:
    for part in listed.split(",") if listed else ():
        constraint = _CONSTRAINT.fullmatch(part.strip())
        if constraint is None:
            message = f"has {part.strip()!r} where an operator (= != > < >= <= ~>) and a version must stand"
            raise BadRequirement(message, _meant(text))
        yield f"{constraint[1]} {constraint[2]}"


_MEANT = (
    # gem "rails", "~> 7.0", ">= 7.0.1": a line of a Gemfile
    (re.compile(rf"""gem\s*\(?\s*(["'])({_NAME})\1\s*((?:,\s*["'][^"']*["']\s*)*)\)?"""), "line"),
    # rails==7.0, rails@7.0, rails:7.0, rails 7.0, rails-7.0: other tools' notations
    (re.compile(rf"({_NAME}?)\s*(?:===?|@|:|\s|-)\s*v?({_VERSION})"), "pin"),
    # rails ^7.0: a caret
    (re.compile(rf"({_NAME}?)\s*(?:\^|~|~=|=~|>~)\s*({_VERSION})"), "about"),
)


def _meant(text: str) -> str | None:
    """What somebody who wrote this most likely wants to say; None when there is no telling."""
    for pattern, kind in _MEANT:
        if said := pattern.fullmatch(text):
            return _checked(_rewritten(kind, said))
    return None


def _rewritten(kind: str, said: "re.Match[str]") -> str:
    if kind == "line":
        quoted = [part.strip().strip("\"'").strip() for part in said[3].split(",") if part.strip()]
        versions = [each if not each[:1].isdigit() else f"= {each}" for each in quoted]
        return f"{said[2]} {', '.join(versions)}".strip()
    return f"{said[1]} {'=' if kind == 'pin' else '~>'} {said[2]}"


def _checked(text: str) -> str | None:
    try:
        return str(read_one(text)) if text else None
    except (BadRequirement, RecursionError):
        return None


def _suggestion(complaints: list[Complaint], patch: list[dict[str, object]]) -> Suggestion | None:
    if not complaints:
        return None
    return Suggestion(
        why="Every entry names one gem, once, and may say which versions of it are wanted.",
        fix="Apply the patch, or correct the entries named." if patch else "Correct the entries named.",
        patch=tuple(patch) or None,
        example=None if patch else {"source": {"requirements": ["httparty ~> 0.21", "json >= 2.6, < 3.0"]}},
    )
