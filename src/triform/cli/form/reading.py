"""A form's file → the form, or everything wrong with it, each with its line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.document import Document, KeyPath, parse_document
from triform.chemistry.element_type import ElementType
from triform.chemistry.schema import at_pointer
from triform.cli.form import model
from triform.cli.form.filled import Filled, filled
from triform.cli.form.model import Declared, DeclaredAttachment, Form, FormRefused, Mistake, mistake
from triform.errors import Complaint
from triform.modifiers.terms import CASCADE, PRIORITY

MOST_BYTES = 64 << 20
_NOBODY = "00000000-0000-0000-0000-000000000000"
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)


def read(file: Path, catalogue: Catalogue, environ: Mapping[str, str]) -> Form:
    """Raises FormRefused."""
    reading = _Reading(_document(file), catalogue, environ)
    form = reading.form()
    if reading.mistakes:
        raise FormRefused(reading.mistakes)
    return form


def _document(file: Path) -> Document:
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise FormRefused(
                [Mistake(file, 0, f"is larger than {MOST_BYTES >> 20} MiB; make several forms of it")]
            )
        text = content.decode()
    except OSError as error:
        raise FormRefused([Mistake(file, 0, f"cannot be read: {error.strerror}; name a file")]) from error
    except UnicodeDecodeError as error:
        raise FormRefused([Mistake(file, 0, "is not UTF-8; save it as UTF-8")]) from error
    document, complaints = parse_document(file, _joined_pairs(text))
    if document is None or complaints:
        raise FormRefused(Mistake(each.place.file, each.place.line, each.message) for each in complaints)
    return document


def _joined_pairs(text: str) -> str:
    """JSON escapes what lies beyond 16 bits in two halves, which YAML does not know."""
    if not text.lstrip().startswith("{"):
        return text
    return _PAIR.sub(lambda m: m[1] + bytes.fromhex(m[2] + m[3]).decode("utf-16-be"), text)


class _Reading:
    def __init__(self, document: Document, catalogue: Catalogue, environ: Mapping[str, str]) -> None:
        self._document = document
        self._catalogue = catalogue
        self._environ = environ
        self._operations = {name: op for kind in catalogue.types.values() for name, op in kind.operations.items()}
        self.mistakes: list[Mistake] = []

    def form(self) -> Form:
        top = self._mapping((), self._document.value, model.KEYS) or {}
        if not isinstance(top.get("elements"), list):
            self._told(("elements",), "elements: must be a list of {element_type, slug, …}; it may be empty")
        elements = self._elements(self._listed(top, "elements"))
        project = self._project(top.get("project"))
        self._once([*elements, *([project] if project else [])])
        members = self._members(project, elements)
        return Form(
            self._document, project, tuple(elements), members,
            tuple(self._attachments(self._listed(top, "attachments"), project, elements)),
        )  # fmt: skip

    # --- elements ----------------------------------------------------------------------------------------------

    def _elements(self, listed: Sequence[Any]) -> list[Declared]:
        found = [self._element(("elements", place), each) for place, each in enumerate(listed)]
        return [each for each in found if each is not None]

    def _element(self, at: KeyPath, item: Any) -> Declared | None:
        given = self._mapping(at, item, model.OF_ELEMENT)
        if given is None or not self._fits(at, given):
            return None
        kind = self._kind(at, given["element_type"])
        found = filled(self._document.file.parent, given, self._environ)
        for path, message in found.mistakes:
            self._told((*at, *path), message)
        return self._declared(kind, at, given, found) if kind else None

    def _declared(self, kind: ElementType, at: KeyPath, given: Mapping[str, Any], found: Filled) -> Declared:
        for each in () if found.mistakes else kind.check_spec(found.spec).errors:
            self._complaint(at, Complaint(f"/spec{each.pointer}", each.message))
        for name in _read_only(kind):
            if name in found.spec:
                self._told((*at, "spec", name), f"/spec/{name} is written by the platform alone; leave it out")
        return Declared(
            kind, given["slug"], at, found.spec, given.get("name"), given.get("intention"), given.get("readme"),
            found.lacking, tuple(map(str, (given.get("files") or {}).values())),
        )  # fmt: skip

    def _fits(self, at: KeyPath, given: Mapping[str, Any]) -> bool:
        """Whether it could be sent; the API's own schemas decide."""
        before = len(self.mistakes)
        body = {key: value for key, value in given.items() if key not in ("readme", "files", "from_env")}
        for each in self._operations["create"].check_input(body):
            self._complaint(at, each)
        if "readme" in given:
            for each in self._operations["readme_update"].check_input({"content": given["readme"]}):
                self._complaint(at, Complaint("/readme", each.message))
        return len(self.mistakes) == before

    def _kind(self, at: KeyPath, name: str) -> ElementType | None:
        found = self._catalogue.find(name)
        if found is not None and not found.tenant:
            return found
        known = sorted(kind.name for kind in self._catalogue.types.values() if not kind.tenant)
        near = get_close_matches(name[:80].lower(), known, n=1) or known
        self._told((*at, "element_type"), f"there is no element type {name[:80]!r}; use {' or '.join(near)}")
        return None

    # --- the project -------------------------------------------------------------------------------------------

    def _project(self, item: Any) -> Declared | None:
        if item is None:
            return None
        kind = next((each for each in self._catalogue.types.values() if each.references and not each.tenant), None)
        given = self._mapping(("project",), {"slug": item} if isinstance(item, str) else item, model.OF_PROJECT)
        if kind is None or given is None or not self._fits(("project",), {"element_type": kind.name, **given}):
            return None
        if "spec" in given:
            return self._declared(kind, ("project",), given, Filled(given["spec"]))
        return Declared(
            kind, given["slug"], ("project",), None, given.get("name"), given.get("intention"), given.get("readme")
        )

    def _members(self, project: Declared | None, elements: Sequence[Declared]) -> tuple[str, ...]:
        if project is None:
            return ()
        listed = at_pointer(project.spec, members_of(project.kind))
        return tuple(listed) if isinstance(listed, list) else tuple(each.slug for each in elements)

    # --- attachments -------------------------------------------------------------------------------------------

    def _attachments(
        self, listed: Sequence[Any], project: Declared | None, elements: Sequence[Declared]
    ) -> Iterator[DeclaredAttachment]:
        known = {each.slug: each.kind for each in (*elements, *((project,) if project else ()))}
        seen: dict[tuple[str, str | None], KeyPath] = {}
        for place, item in enumerate(listed):
            found = self._attachment(("attachments", place), item, project)
            if found is None:
                continue
            if (found.source, found.target) in seen:
                self._told(found.at, f"{found.source} is attached there twice; keep one of the two")
            seen[found.source, found.target] = found.at
            self._unfit(found, known)
            yield found

    def _attachment(self, at: KeyPath, item: Any, project: Declared | None) -> DeclaredAttachment | None:
        given = self._mapping(at, item, model.OF_ATTACHMENT)
        if given is None:
            return None
        before = len(self.mistakes)
        for key in ("source", "target"):
            if key in given and not isinstance(given[key], str):
                self._told((*at, key), f"/{key} must be the slug of an element")
        if "source" not in given:
            self._told(at, "/source is missing; name the element that is attached by its slug")
        if "target" not in given and project is None:
            self._told(at, f"/target is missing; name an element by its slug, or {model.CIRCLE}")
        terms = {key: value for key, value in given.items() if key not in ("source", "target")}
        for each in self._operations["attach"].check_input({"target_id": _NOBODY, **terms}):
            self._complaint(at, each)
        if len(self.mistakes) > before:
            return None
        target = given.get("target", project.slug if project else None)
        return DeclaredAttachment(
            given["source"], None if target == model.CIRCLE else target, at, given.get("priority", PRIORITY),
            given.get("cascade_policy", CASCADE), given.get("version_pin"),
        )  # fmt: skip

    def _unfit(self, found: DeclaredAttachment, known: Mapping[str, ElementType]) -> None:
        """What this form alone tells: types that do not go together."""
        kind = known.get(found.source)
        taken = self._catalogue.tenant_type if found.target is None else known.get(found.target)
        if kind and taken and not taken.takes(kind):
            names = ", ".join(sorted(taken.attaches | taken.uses)) or "nothing"
            self._told(found.at, f"{taken.name} elements take no {kind.name}; they take {names}")

    # --- what they have in common ------------------------------------------------------------------------------

    def _once(self, declared: Sequence[Declared]) -> None:
        first: dict[str, Declared] = {}
        for each in declared:
            known = first.setdefault(each.slug, each)
            if known is not each:
                line = self._document.place(known.at).line
                self._told((*each.at, "slug"), f"{each.slug} is declared on line {line} too; keep one of the two")

    def _listed(self, top: Mapping[str, Any], key: str) -> Sequence[Any]:
        found = top.get(key)
        if key != "elements" and found is not None and not isinstance(found, list):
            self._told((key,), f"{key}: must be a list")
        return found if isinstance(found, list) else ()

    def _mapping(self, at: KeyPath, item: Any, keys: Sequence[str]) -> dict[str, Any] | None:
        if not isinstance(item, dict):
            self._told(at, f"must be a mapping with the keys {', '.join(keys)}")
            return None
        for key in item:
            if key not in keys:
                self._told((*at, key), f"unknown key {key!r}; the keys are {', '.join(keys)}")
        return {key: value for key, value in item.items() if key in keys}

    def _complaint(self, at: KeyPath, complaint: Complaint) -> None:
        path = (*at, *path_of(at_path(self._document.value, at), complaint.pointer))
        self._told(path, f"{complaint.pointer or 'this'} {complaint.message}")

    def _told(self, at: KeyPath, message: str) -> None:
        self.mistakes.append(mistake(self._document, at, message))


def members_of(kind: ElementType) -> str:
    """Where elements of a type list what they hold."""
    return next(iter(kind.references.values()))


def path_of(value: Any, pointer: str) -> KeyPath:
    """A JSON pointer as keys and indices."""
    path: list[str | int] = []
    for text in pointer.split("/")[1:]:
        step: str | int = text.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and str(step).isdigit():
            step = int(step)
        path.append(step)
        value = at_path(value, (step,))
    return tuple(path)


def at_path(value: Any, path: KeyPath) -> Any:
    for step in path:
        try:
            value = value[step]
        except (TypeError, KeyError, IndexError):
            return None
    return value


def _read_only(kind: ElementType) -> Sequence[str]:
    from triform.elements.read_only import owned

    return owned(kind)
