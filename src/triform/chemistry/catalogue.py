"""The catalogue: every element type the product knows, compiled once and frozen."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from triform.chemistry.element_type import ElementType, SpecCheck
from triform.chemistry.model import DeclaredError, Level
from triform.chemistry.operation import Operation

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
    raise NotImplementedError
