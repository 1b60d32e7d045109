"""The cascade: root → category → element, narrowest wins, per key, and where each value came from.

Mappings merge key by key, everything else is replaced. A null in one of the first two heights of a file
(`ops: {delete: null}`) switches off what is inherited; a deeper null is a value.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from triform.chemistry.complaints import DefinitionComplaint, Place
from triform.chemistry.document import Document, KeyPath
from triform.chemistry.folders import TypeSources
from triform.chemistry.model import Provenance

SWITCH_OFF_DEPTH = 2


@dataclass(frozen=True, slots=True)
class Origin:
    provenance: Provenance
    place: Place


@dataclass(slots=True)
class Resolved:
    """A type's merged definition: one mapping of all files' top-level keys."""

    name: str
    category: str
    folder: Path
    value: dict[str, Any] = field(default_factory=dict)
    origins: dict[KeyPath, Origin] = field(default_factory=dict)
    examples: tuple[Document, ...] = ()
    complaints: list[DefinitionComplaint] = field(default_factory=list)

    def place(self, *path: str | int) -> Place:
        """Where a value, or the nearest thing around it, was declared."""
        origin = self._origin(path)
        return origin.place if origin else Place(self.folder)

    def provenance(self, *path: str | int) -> Provenance:
        """At which height a value was declared."""
        origin = self._origin(path)
        return origin.provenance if origin else "element"

    def section(self, name: str) -> dict[str, Any]:
        """A top-level mapping, empty when absent."""
        found = self.value.get(name)
        return found if isinstance(found, dict) else {}

    def complaint(self, path: KeyPath, message: str) -> DefinitionComplaint:
        """A complaint at the place of a value."""
        return DefinitionComplaint(self.place(*path), message)

    def _origin(self, path: KeyPath) -> Origin | None:
        while path and path not in self.origins:
            path = path[:-1]
        return self.origins.get(path)


def resolve(sources: TypeSources) -> Resolved:
    """Merge the three heights of a type."""
    resolved = Resolved(sources.name, sources.category, sources.layers[-1].folder, examples=sources.examples)
    for layer in sources.layers:
        for document in layer.documents.values():
            _Merge(resolved, document, layer.provenance).into(resolved.value, document.value, ())
    return resolved


def without_switches(value: Mapping[str, Any]) -> dict[str, Any]:
    """A document without the nulls that switch something off."""
    return {
        key: {k: v for k, v in inner.items() if v is not None} if isinstance(inner, dict) else inner
        for key, inner in value.items()
        if inner is not None
    }


@dataclass(frozen=True, slots=True)
class _Merge:
    resolved: Resolved
    document: Document
    provenance: Provenance

    def into(self, base: dict[str, Any], over: Mapping[str, Any], path: KeyPath) -> None:
        for key, value in over.items():
            here = (*path, key)
            if value is None and len(here) <= SWITCH_OFF_DEPTH:
                self._switch_off(base, here)
            elif isinstance(value, dict) and (isinstance(base.get(key), dict) or len(here) < SWITCH_OFF_DEPTH):
                self._merge(base, here, value)
            else:
                self._replace(base, here, value)

    def _merge(self, base: dict[str, Any], here: KeyPath, value: Mapping[str, Any]) -> None:
        inner = base.get(str(here[-1]))
        if not isinstance(inner, dict):
            self._forget(base, here)
            inner = base[str(here[-1])] = {}
        self._mark(here)
        self.into(inner, value, here)

    def _switch_off(self, base: dict[str, Any], here: KeyPath) -> None:
        if here[-1] not in base:
            self._complain(here, f"switches off {here[-1]!r}, which is not inherited")
        self._forget(base, here)
        base.pop(str(here[-1]), None)

    def _replace(self, base: dict[str, Any], here: KeyPath, value: Any) -> None:
        self._forget(base, here)
        base[str(here[-1])] = _copy(value)
        for inner in _paths(value, here):
            self._mark(inner)

    def _mark(self, path: KeyPath) -> None:
        self.resolved.origins[path] = Origin(self.provenance, self.document.place(path))

    def _forget(self, base: Mapping[str, Any], path: KeyPath) -> None:
        for known in _paths(base.get(str(path[-1])), path):
            self.resolved.origins.pop(known, None)

    def _complain(self, path: KeyPath, message: str) -> None:
        self.resolved.complaints.append(DefinitionComplaint(self.document.place(path), message))


def _paths(value: Any, here: KeyPath) -> Iterator[KeyPath]:
    yield here
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _paths(inner, (*here, key))


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
