"""A form: elements, the project that holds them, and what is attached to what, as one file. Values only.

project: shop            or {slug, name, intention, spec, readme}; the elements become its members, in this order,
                         unless its spec lists `members` itself
elements:
- element_type: …
  slug: total
  name: …                optional, as is all that follows
  intention: …
  spec: {…}              what the type's reference describes
  readme: …
  files:                 JSON pointers into the spec ← files beside the form whose text goes there
    /source/code: total.…
  from_env:              JSON pointers into the spec ← environment variables of whoever applies
    /environment/KEY/value: SHOP_KEY
attachments:
- source: service-url
  target: total          absent: the project; `circle`: the circle
  priority: 100
  cascade_policy: members
  version_pin: 3
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from triform.chemistry.document import Document, KeyPath
from triform.chemistry.element_type import ElementType
from triform.chemistry.schema import at_pointer
from triform.cli.outcome import Stop, WrongUsage

KEYS = ("project", "elements", "attachments")
OF_PROJECT = ("slug", "name", "intention", "spec", "readme")
OF_ELEMENT = ("element_type", *OF_PROJECT, "files", "from_env")
OF_ATTACHMENT = ("source", "target", "priority", "cascade_policy", "version_pin")
CIRCLE = "circle"
"""The target that is the circle itself."""


@dataclass(frozen=True, slots=True)
class Declared:
    """An element as the form has it; None is what the form leaves open. `at` is its place in the form.

    `lacking` are values that could not be had, by their pointer, and why; only secrets may lack theirs. `files`
    are the names of the files beside the form whose text is in the spec.
    """

    kind: ElementType
    slug: str
    at: KeyPath
    spec: Mapping[str, Any] | None = None
    name: str | None = None
    intention: str | None = None
    readme: str | None = None
    lacking: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Declared({self.slug!r})"


@dataclass(frozen=True, slots=True)
class DeclaredAttachment:
    """`target` None is the circle."""

    source: str
    target: str | None
    at: KeyPath
    priority: int
    cascade_policy: str
    version_pin: int | None

    @property
    def terms(self) -> tuple[int, str, int | None]:
        return self.priority, self.cascade_policy, self.version_pin


@dataclass(frozen=True, slots=True)
class Form:
    """`members` are the slugs the project is to have; empty without one."""

    document: Document
    project: Declared | None
    elements: tuple[Declared, ...]
    members: tuple[str, ...]
    attachments: tuple[DeclaredAttachment, ...]

    @property
    def folder(self) -> Path:
        return self.document.file.parent

    def all(self) -> Sequence[Declared]:
        return (*self.elements, *((self.project,) if self.project else ()))


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """Something wrong at a line of the form; the message says what to do."""

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class FormRefused(WrongUsage):
    """What is wrong with a form, all of it."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = sorted(set(mistakes))
        super().__init__("\n".join(map(str, self.mistakes)), "mend what is named; nothing was changed")

    @property
    def problem(self) -> Mapping[str, Any]:
        return {**Stop.problem.fget(self), "errors": told(self.mistakes)}  # type: ignore[attr-defined]


def told(mistakes: Iterable[Mistake]) -> list[dict[str, Any]]:
    return [{"file": str(each.file), "line": each.line, "message": each.message} for each in mistakes]


def mistake(document: Document, at: KeyPath, message: str) -> Mistake:
    return Mistake(document.file, document.place(at).line, message)


def referred(kind: ElementType, spec: Any) -> list[tuple[str, int, str]]:
    """The slugs that a spec refers to: (pointer of the list, place in it, slug)."""
    found = [(pointer, at_pointer(spec, pointer)) for pointer in kind.references.values()]
    return [
        (pointer, place, slug)
        for pointer, listed in found
        if isinstance(listed, list)
        for place, slug in enumerate(listed)
        if isinstance(slug, str)
    ]
