"""Operations that look at connections: `tree` and `context`."""

from collections import Counter
from typing import Any
from uuid import UUID

from triform.chemistry.catalogue import Catalogue
from triform.elements.graph.model import Graph, Node
from triform.elements.graph.show import Shown
from triform.elements.graph.store import GraphStore
from triform.elements.graph.walk import Found, walk
from triform.elements.request import Request, flag, whole_number, words
from triform.reply import Reply
from triform.storage.database import Transaction

DEEPEST = 10
LEVELS = 3
MOST_NODES = 5000


class GraphLooking:
    def __init__(self, catalogue: Catalogue, graphs: GraphStore) -> None:
        self._catalogue = catalogue
        self._graphs = graphs

    async def context(self, call: Request, tx: Transaction) -> Reply:
        """`{nodes, edges, truncated}`: everything within `depth` steps, of some `types` where these are named."""
        depth, types = whole_number(call, "depth", 1, 0, DEEPEST), words(call, "types")
        graph, shown = await self._seen(call, tx)
        found = walk(graph, call.element.id, depth, MOST_NODES)
        nodes = [each for each in found.nodes if types is None or self._is_one_of(each, set(types))]
        return Reply(
            {
                "nodes": [shown.node(each, metadata=True) for each in nodes],
                "edges": _edges(found, {each.id for each in nodes}),
                "truncated": found.truncated,
            }
        )

    async def tree(self, call: Request, tx: Transaction) -> Reply:
        """Ancestors, children, members, what refers to it, attachments, and figures about all of it."""
        depth, metadata = whole_number(call, "depth", LEVELS, 0, DEEPEST), flag(call, "include_metadata", False)
        graph, shown = await self._seen(call, tx)
        growing, here = _Growing(graph, shown, metadata), call.element.id
        return Reply(
            {
                "element": shown.node(graph.nodes[here], metadata),
                "ancestors": [shown.node(each, metadata) for each in graph.ancestors(here)],
                **growing.below(here, depth),
                "referenced_by": growing.referenced_by(here),
                "attachments": [shown.attachment(each) for each in graph.attached(here)],
                "stats": _figures(graph, here),
            }
        )

    async def _seen(self, call: Request, tx: Transaction) -> tuple[Graph, Shown]:
        graph = await self._graphs.around(tx, call.element)
        return graph, Shown(graph, self._catalogue, call.element.circle_name)

    def _is_one_of(self, node: Node, names: set[str]) -> bool:
        kind = self._catalogue.find(node.element_type)
        return bool(names & {node.element_type, *((kind.category, kind.form) if kind else ())})


class _Growing:
    """One answer's nested elements; each is shown nested where it comes first, and alone from then on."""

    def __init__(self, graph: Graph, shown: Shown, metadata: bool) -> None:
        self._graph = graph
        self._shown = shown
        self._metadata = metadata
        self._grown: set[UUID] = set()

    def below(self, element_id: UUID, depth: int) -> dict[str, Any]:
        """`{children, members}`, each with the same again where there is more below."""
        if depth == 0 or element_id in self._grown:
            return {"children": [], "members": []}
        self._grown.add(element_id)
        children = self._graph.children(element_id)
        members = [
            (self._graph.nodes[each.target_id], {"relation": each.relation})
            for each in self._graph.members(element_id)
        ]
        return {
            "children": [self._node(each, {}, depth) for each in children],
            "members": [self._node(each, told, depth) for each, told in members],
        }

    def referenced_by(self, element_id: UUID) -> list[dict[str, Any]]:
        found = self._graph.referenced_by(element_id)
        return [
            {**self._shown.node(self._graph.nodes[each.source_id], self._metadata), "relation": each.relation}
            for each in found
        ]

    def _node(self, node: Node, told: dict[str, str], depth: int) -> dict[str, Any]:
        inner = self.below(node.id, depth - 1)
        return {**self._shown.node(node, self._metadata), **told, **{k: v for k, v in inner.items() if v}}


def _edges(found: Found, kept: set[UUID]) -> list[dict[str, str]]:
    return [
        {"from": str(each.source), "to": str(each.target), "relation": each.relation}
        for each in found.edges
        if each.source in kept and each.target in kept
    ]


def _figures(graph: Graph, element_id: UUID) -> dict[str, Any]:
    below = list(graph.below(element_id))
    return {
        "elements": len(below),
        "children": len(graph.children(element_id)),
        "members": len(graph.members(element_id)),
        "referenced_by": len(graph.referenced_by(element_id)),
        "attachments": len(graph.attached(element_id)),
        "by_type": dict(sorted(Counter(each.element_type for each in below).items())),
    }
