"""Where the code of an element is: in its spec, in a file of its repository, or in another repository. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from triform.chemistry.element_type import ElementType
from triform.elements.specs import source_of

INLINE, FILE, GIT = "inline", "file", "git"


@dataclass(frozen=True, slots=True)
class CodeSource:
    """What a spec says of its code. `path` is the file of a tree that has it; None = where its language has it."""

    kind: str
    code: str | None = None
    path: str | None = None
    repository: str = ""
    ref: str | None = None

    @property
    def origin(self) -> str | None:
        """What a deploy has to fetch, as a text that is equal for sources that say the same; None = nothing."""
        return f"{self.repository} {self.ref or ''}".strip() if self.kind == GIT else None


def code_source(element_type: ElementType, spec: Mapping[str, Any]) -> CodeSource | None:
    """None for a type whose specs have no code."""
    source = source_of(element_type, spec)
    if not isinstance(source, Mapping):
        return None
    kind = source.get("type", INLINE)
    return CodeSource(
        kind,
        source.get("code") if kind == INLINE else None,
        source.get("path") or None,
        source.get("repository") or "",
        source.get("ref") or None,
    )


def origin_of(element_type: ElementType, spec: Mapping[str, Any]) -> str | None:
    """What a deploy has to fetch before the spec's code can run; None = nothing."""
    source = source_of(element_type, spec)
    if not isinstance(source, Mapping) or source.get("type") != GIT:
        return None
    found = code_source(element_type, spec)
    return found.origin if found else None
