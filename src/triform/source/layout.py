"""Which part of an element is which file of its repository. Pure.

.triform/spec.yaml     everything but the code
main.…                 inline code, under the name its language gives it; other code lies where people put it
README.md              for people; not a part of the element
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.element_type import ElementType
from triform.chemistry.schema import at_pointer, replaced_at
from triform.elements.code_source import INLINE, code_source
from triform.elements.model import DRAFT, Element
from triform.source import spec_file
from triform.source.errors import SourceRefused
from triform.source.rules import Problem

README = "README.md"

CodeFile = Callable[[ElementType], str | None]
"""The name of inline source of a type's language; None for a type without code."""


_CODE = "code"


@dataclass(frozen=True, slots=True)
class Layout:
    catalogue: Catalogue
    code_file: CodeFile

    def code_path(self, element_type: ElementType | None, spec: Mapping[str, Any]) -> str | None:
        """The file of the code that a spec has inline; None when its code is elsewhere, or there is none."""
        where = element_type.limits.get("source") if element_type else None
        if element_type is None or where is None:
            return None
        source = code_source(element_type, spec)
        return self.code_file(element_type) if source is None or source.kind == INLINE else None

    def files(self, element: Element) -> dict[str, bytes]:
        """The files that say what the element is."""
        element_type = self.catalogue.find(element.element_type)
        path = self.code_path(element_type, element.spec)
        spec, code = _taken(element.spec, element_type.limits["source"]) if element_type and path else ({}, None)
        document = {
            "element_type": element.element_type,
            "slug": element.slug,
            "name": element.name,
            "intention": element.intention,
            "spec": spec if isinstance(code, str) else element.spec,
        }
        found = {spec_file.PATH: spec_file.written(document)}
        return found | {path: code.encode()} if path and isinstance(code, str) else found

    def change(self, element: Element, read: Callable[[str], bytes | None]) -> dict[str, Any]:
        """What files make of the element: the input of an update that replaces its whole spec.

        `read` gives a file's content, None when it is not there. Raises SourceRefused.
        """
        document = self.told(read, element.element_type)
        problems = [
            _of_spec(f"says another {name}, which cannot be changed")
            for name, fixed in (("element_type", element.element_type), ("slug", element.slug))
            if document.get(name, fixed) != fixed
        ]
        if problems:
            raise SourceRefused.for_problems(DRAFT, problems)
        changed: dict[str, Any] = {name: document[name] for name in ("name", "intention") if name in document}
        return {**changed, "spec": document["spec"], "deep": False}

    def told(self, read: Callable[[str], bytes | None], named: str | None) -> dict[str, Any]:
        """What files say of an element, its code put back into its spec. Raises SourceRefused.

        `named` is its type where the files do not name one.
        """
        document, problems = _document(read(spec_file.PATH))
        element_type = self.catalogue.find(str(document.get("element_type", named)))
        spec = document.get("spec", {})
        path = None if problems else self.code_path(element_type, spec)
        if element_type is not None and path is not None:
            spec, problems = _joined(spec, element_type.limits["source"], path, read(path))
        if problems:
            raise SourceRefused.for_problems(DRAFT, problems)
        return {**document, "spec": spec}


def _document(content: bytes | None) -> tuple[dict[str, Any], list[Problem]]:
    if content is None:
        return {}, [_of_spec("is missing; it says what the element is")]
    document, complaints = spec_file.parsed(content)
    return document, [_of_spec(f"cannot be used: {each.message}") for each in complaints]


def _joined(
    spec: Mapping[str, Any], where: str, path: str, content: bytes | None
) -> tuple[Mapping[str, Any], list[Problem]]:
    """The spec with its code put back; without code its rules will object."""
    source = at_pointer(spec, where) or {}
    if _CODE in source:
        return spec, [_of_spec(f"has code in it, which belongs in {path}")]
    if content is None:
        return spec, []
    try:
        return replaced_at(spec, where, {**source, _CODE: content.decode()}), []
    except UnicodeDecodeError:
        return spec, [Problem("spec", path, "is not UTF-8")]


def _of_spec(message: str) -> Problem:
    return Problem("spec", spec_file.PATH, message)


def _taken(spec: Mapping[str, Any], where: str) -> tuple[dict[str, Any], Any]:
    """A spec without the code of its source, and the code."""
    source = at_pointer(spec, where)
    rest = {name: value for name, value in source.items() if name != _CODE}
    return replaced_at(spec, where, rest), source.get(_CODE)
