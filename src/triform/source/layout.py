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
from triform.elements.model import Element
from triform.source import spec_file

README = "README.md"

CodeFile = Callable[[ElementType], str | None]
"""The name of inline source of a type's language; None for a type without code."""


_CODE = "code"
_INLINE = "inline"


@dataclass(frozen=True, slots=True)
class Layout:
    catalogue: Catalogue
    code_file: CodeFile

    def code_path(self, element_type: ElementType | None, spec: Mapping[str, Any]) -> str | None:
        """The file of the code that a spec has inline; None when its code is elsewhere, or there is none."""
        where = element_type.limits.get("source") if element_type else None
        if element_type is None or where is None:
            return None
        source = at_pointer(spec, where)
        kind = source.get("type", _INLINE) if isinstance(source, Mapping) else _INLINE
        return self.code_file(element_type) if kind == _INLINE else None

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


def _taken(spec: Mapping[str, Any], where: str) -> tuple[dict[str, Any], Any]:
    """A spec without the code of its source, and the code."""
    source = at_pointer(spec, where)
    rest = {name: value for name, value in source.items() if name != _CODE}
    return replaced_at(spec, where, rest), source.get(_CODE)
