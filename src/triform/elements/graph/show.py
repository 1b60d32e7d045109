"""Connections as callers see them."""

from typing import Any

from triform.chemistry.catalogue import Catalogue
from triform.clock import rfc3339
from triform.elements.graph.model import Attachment, Graph, Node


class Shown:
    """What is in one graph, as JSON."""

    def __init__(self, graph: Graph, catalogue: Catalogue, circle: str) -> None:
        self._graph = graph
        self._catalogue = catalogue
        self._circle = circle

    def node(self, node: Node, metadata: bool = False) -> dict[str, Any]:
        """An element; with `metadata` its name, state and version too."""
        kind = self._catalogue.find(node.element_type)
        top = node.id == self._graph.circle_id
        shown = {
            "id": str(node.id),
            "slug": node.slug,
            "path": f"/api/{self._circle}" if top else f"/api/{self._circle}/{node.slug}",
            "element_type": node.element_type,
            "category": kind.category if kind else None,
            "form": kind.form if kind else None,
        }
        more = {"name": node.name, "state": node.state, "version": node.version} if metadata else {}
        return shown | more

    def attachment(self, attachment: Attachment) -> dict[str, Any]:
        source, target = self._graph.nodes[attachment.source_id], self._graph.nodes[attachment.target_id]
        kind = self._catalogue.find(source.element_type)
        return {
            "attachment_id": str(attachment.id),
            "source_id": str(source.id),
            "source": source.slug,
            "source_type": source.element_type,
            "target_id": str(target.id),
            "target": target.slug,
            "target_type": target.element_type,
            "is_modifier": kind.is_modifier if kind else False,
            "priority": attachment.priority,
            "cascade_policy": attachment.cascade_policy,
            "version_pin": attachment.version_pin,
            "created_at": rfc3339(attachment.created_at),
        }
