"""What is attached to what: `attach` and `detach` on the source, `compose` and `remove-modifier` on the target."""

from collections.abc import Mapping
from typing import Any

from triform.chemistry.catalogue import Catalogue
from triform.elements.graph.model import Graph
from triform.elements.graph.show import Shown
from triform.elements.graph.store import GraphStore
from triform.elements.request import Request
from triform.modifiers.change import Changes
from triform.modifiers.compose import Compose
from triform.reply import Reply
from triform.storage.database import Transaction


class ModifierOperations:
    """`table()` names the functions the platform substrate binds."""

    def __init__(self, catalogue: Catalogue, graphs: GraphStore, changes: Changes) -> None:
        self._catalogue = catalogue
        self._graphs = graphs
        self._changes = changes

    def table(self) -> Mapping[str, Any]:
        return {
            "attach": self._changes.attach,
            "detach": self._changes.detach,
            "remove_modifier": self._changes.remove_modifier,
            "compose": Compose(self._changes),
            "attachments": self.attachments,
            "list_attachments": self.list_attachments,
            "get_attached_modifiers": self.get_attached_modifiers,
        }

    async def attachments(self, call: Request, tx: Transaction) -> Reply:
        """`{attachments, inherited}`, both in the order of evaluation."""
        graph, shown = await self._seen(call, tx)
        own, inherited = graph.attached(call.element.id), graph.inherited(call.element.id)
        return Reply(
            {"attachments": list(map(shown.attachment, own)), "inherited": list(map(shown.attachment, inherited))}
        )

    async def list_attachments(self, call: Request, tx: Transaction) -> Reply:
        """`{attachments}`: where this element is attached."""
        graph, shown = await self._seen(call, tx)
        return Reply({"attachments": list(map(shown.attachment, graph.targets(call.element.id)))})

    async def get_attached_modifiers(self, call: Request, tx: Transaction) -> Reply:
        """`{modifiers}`: each with the element it is."""
        graph, shown = await self._seen(call, tx)
        attached = [
            (shown.attachment(each), graph.nodes[each.source_id]) for each in graph.attached(call.element.id)
        ]
        return Reply(
            {
                "modifiers": [
                    {**{name: told[name] for name in _TERMS}, "element": shown.node(node, metadata=True)}
                    for told, node in attached
                    if told["is_modifier"]
                ]
            }
        )

    async def _seen(self, call: Request, tx: Transaction) -> tuple[Graph, Shown]:
        graph = await self._graphs.around(tx, call.element)
        return graph, Shown(graph, self._catalogue, call.element.circle_name)


_TERMS = ("attachment_id", "priority", "cascade_policy", "version_pin")
