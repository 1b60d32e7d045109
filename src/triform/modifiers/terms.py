"""What is to be attached, on which terms; read from a call and held against the graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from triform.chemistry.catalogue import Catalogue
from triform.elements.graph.model import Graph, Node

PRIORITY = 100
CASCADE = "members"
MOST = 100
"""Attachments of one element."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a source is attached."""

    priority: int = PRIORITY
    cascade_policy: str = CASCADE
    version_pin: int | None = None


def terms_of(priority: Any, cascade_policy: Any, pin: int | None) -> Terms:
    """Of what the operation's schema has let through; what was not given has its default."""
    return Terms(PRIORITY if priority is None else priority, cascade_policy or CASCADE, pin)


def find(graph: Graph, ref: str) -> tuple[Node, int | None] | str:
    """The element that `project/slug@v2` names and the version it is pinned to, or why there is none."""
    path, _, version = ref.partition("@")
    nodes = [graph.by_slug.get(slug) for slug in path.split("/")]
    known = [node for node in nodes if node is not None]
    if len(known) < len(nodes) or not _leads(graph, known):
        return f"there is no element '{path}' in this circle"
    return known[-1], int(version.removeprefix("v")) if version else None


def unfit(catalogue: Catalogue, source: Node, target: Node, pin: int | None) -> str | None:
    """Why the source cannot be attached to the target on these terms; None when it can."""
    if pin is not None and pin > source.version:
        return f"'{source.slug}' has no version {pin}; its newest is {source.version}"
    kind, taken = catalogue.find(source.element_type), catalogue.find(target.element_type)
    if kind is None or taken is None or not taken.takes(kind):
        return f"{target.element_type} elements take no {source.element_type}; {_takes(catalogue, target)}"
    return None


def _takes(catalogue: Catalogue, target: Node) -> str:
    taken = catalogue.find(target.element_type)
    names = sorted(taken.attaches | taken.uses) if taken else []
    return f"they take {', '.join(names)}" if names else "nothing is attached to them"


def _leads(graph: Graph, path: Sequence[Node]) -> bool:
    """Whether each step holds the one after it."""
    return all(any(held.id == inner.id for held in graph.held(outer.id)) for outer, inner in pairwise(path))


def uuid_of(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        return None
