"""The catalogue: every element type the product knows, compiled once and frozen."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from triform.chemistry.checks import check_all
from triform.chemistry.compile import compile_type
from triform.chemistry.complaints import DefinitionsRefused
from triform.chemistry.element_type import ElementType
from triform.chemistry.folders import FolderReader
from triform.chemistry.model import DeclaredError, Level
from triform.chemistry.operation import Operation
from triform.chemistry.rules import SpecCheck

__all__ = ["Catalogue", "DeclaredError", "ElementType", "Level", "Operation", "SpecCheck", "load"]

DEFINITIONS = Path(__file__).parent / "definitions"
"""The definitions that ship with the product."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Catalogue:
    """All element types by name, and every error code declared anywhere."""

    types: Mapping[str, ElementType]
    errors: Mapping[str, DeclaredError]
    tenant_type: ElementType

    def type(self, name: str) -> ElementType:
        """The element type of this name; an unknown one is a KeyError (use `find` for user input)."""
        return self.types[name]

    def find(self, name: str) -> ElementType | None:
        """The element type of this name, or None."""
        return self.types.get(name)

    def error(self, code: str) -> DeclaredError:
        """A declared error; an undeclared code is a KeyError."""
        return self.errors[code]


def load(extra: Sequence[Path] = (), *, known_hooks: Collection[str] | None = None) -> Catalogue:
    """Read, merge, check and compile all definitions.

    `extra` are further definition folders of the same shape; they may add types and categories, not change
    shipped ones. `known_hooks` are the executor steps that hooks may name; None leaves names unchecked.
    Raises DefinitionsRefused listing every complaint as `file:line: message`.
    """
    reader = FolderReader()
    sources = reader.read(DEFINITIONS, tuple(Path(folder).resolve() for folder in extra))
    resolved, complaints = check_all(sources, known_hooks)
    if complaints or reader.complaints:
        raise DefinitionsRefused(frozenset([*complaints, *reader.complaints]))
    return _freeze([compile_type(definition) for definition in resolved])


def _freeze(types: list[ElementType]) -> Catalogue:
    errors = {code: error for element_type in types for code, error in element_type.errors.items()}
    return Catalogue(
        types=MappingProxyType({element_type.name: element_type for element_type in types}),
        errors=MappingProxyType(dict(sorted(errors.items()))),
        tenant_type=next(element_type for element_type in types if element_type.tenant),
    )
