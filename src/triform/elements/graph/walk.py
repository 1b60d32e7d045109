"""From one element along every connection, step by step."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from triform.elements.graph.model import Graph, Node


@dataclass(frozen=True, slots=True)
class Edge:
    """As read from `source` to `target`."""

    source: UUID
    relation: str
    target: UUID


@dataclass(slots=True)
class Found:
    """`edges` lie between found elements, each connection once, as it was first met."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    truncated: bool = False


_REVERSED = {
    "contains": "contained_by",
    "references": "referenced_by",
    "attaches": "attached_by",
}
_INVERSE = _REVERSED | {inverse: relation for relation, inverse in _REVERSED.items()}


def walk(graph: Graph, start: UUID, depth: int, most: int) -> Found:
    """Everything within `depth` steps, nearest first, at most so many elements."""
    found, seen, level, met = Found([graph.nodes[start]]), {start}, [start], set[Edge]()
    for _ in range(depth):
        following: list[UUID] = []
        for edge in (edge for each in level for edge in _from(graph, each)):
            if edge.target not in seen:
                if len(found.nodes) == most:
                    found.truncated = True
                    continue
                seen.add(edge.target)
                found.nodes.append(graph.nodes[edge.target])
                following.append(edge.target)
            if Edge(edge.target, _INVERSE[edge.relation], edge.source) not in met:
                met.add(edge)
                found.edges.append(edge)
        level = following
    return found


def _from(graph: Graph, element_id: UUID) -> Iterator[Edge]:
    parent = graph.nodes[element_id].parent_id
    if parent is not None:
        yield Edge(element_id, "contained_by", parent)
    for child in graph.children(element_id):
        yield Edge(element_id, "contains", child.id)
    for reference in graph.members(element_id):
        yield Edge(element_id, "references", reference.target_id)
    for reference in graph.referenced_by(element_id):
        yield Edge(element_id, "referenced_by", reference.source_id)
    for attachment in graph.targets(element_id):
        yield Edge(element_id, "attaches", attachment.target_id)
    for attachment in graph.attached(element_id):
        yield Edge(element_id, "attached_by", attachment.source_id)
