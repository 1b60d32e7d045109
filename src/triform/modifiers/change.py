"""Changes of what is attached. Each asks for write on the target, whatever its own level is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from triform.chemistry.catalogue import Catalogue
from triform.circles.policy import allow
from triform.clock import Clock
from triform.elements.graph.connections import AfterCommit, Connections
from triform.elements.graph.model import Attachment, Graph, Node
from triform.elements.graph.show import Shown
from triform.elements.graph.store import GraphStore
from triform.elements.request import OperationRequest
from triform.errors import NotFound, Suggestion
from triform.ids import Ids
from triform.modifiers.errors import NotAttachable, TooManyAttachments
from triform.modifiers.store import AttachmentStore
from triform.modifiers.terms import MOST, Terms, terms_of, unfit, uuid_of
from triform.reply import Reply
from triform.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Turn:
    """A circle whose connections only this transaction changes, as they were before it did."""

    graph: Graph
    shown: Shown
    after_commit: AfterCommit


class Changes:
    def __init__(
        self,
        catalogue: Catalogue,
        graphs: GraphStore,
        connections: Connections,
        store: AttachmentStore,
        ids: Ids,
        clock: Clock,
    ) -> None:
        self.catalogue = catalogue
        self._graphs = graphs
        self._connections = connections
        self._store = store
        self._ids = ids
        self._clock = clock

    async def attach(self, call: OperationRequest, tx: Transaction) -> Reply:
        """`{target_id, priority?, cascade_policy?, version_pin?}` → the attachment. Raises Forbidden, NotFound,
        NotAttachable, TooManyAttachments."""
        turn = await self.turn(call, tx)
        target, pin = _target(call, turn.graph), call.argument("version_pin")
        source = turn.graph.nodes[call.element.id]
        if wrong := unfit(self.catalogue, source, target, pin):
            raise NotAttachable(f"This cannot be attached: {wrong}.")
        terms = terms_of(call.argument("priority"), call.argument("cascade_policy"), pin)
        made = await self.add(tx, turn.graph, target, [(source, terms)])
        shown = turn.shown.attachment(made[0])
        return Reply(shown, events=(told("element.attached", target, shown),), after_commit=turn.after_commit)

    async def detach(self, call: OperationRequest, tx: Transaction) -> Reply:
        """`{target_id}` → what was undone. Raises Forbidden, NotFound."""
        turn = await self.turn(call, tx)
        target = _target(call, turn.graph)
        found = [each for each in turn.graph.targets(call.element.id) if each.target_id == target.id]
        return await self._undone(tx, turn, target, found, f"'{call.element.slug}' is not attached there.")

    async def remove_modifier(self, call: OperationRequest, tx: Transaction) -> Reply:
        """`{attachment_id}` → what was undone. Raises Forbidden, NotFound."""
        turn = await self.turn(call, tx)
        target, wanted = turn.graph.nodes[call.element.id], uuid_of(call.argument("attachment_id"))
        found = [each for each in turn.graph.attached(target.id) if each.id == wanted]
        return await self._undone(tx, turn, target, found, "No attachment of this element has this id.")

    async def turn(self, call: OperationRequest, tx: Transaction) -> Turn:
        """Raises Forbidden, and NotFound when the element has gone meanwhile."""
        allow(call.principal, "write", call.operation.name)
        after_commit = await self._connections.changed(tx, call.element.circle_id)
        graph = await self._graphs.around(tx, call.element)
        return Turn(graph, Shown(graph, self.catalogue, call.element.circle_name), after_commit)

    async def add(
        self,
        tx: Transaction,
        graph: Graph,
        target: Node,
        sources: Sequence[tuple[Node, Terms]],
        removed: Collection[UUID] = (),
    ) -> list[Attachment]:
        """What fits is attached. Raises TooManyAttachments, and NotFound when one of them has gone meanwhile."""
        kept = {each.source_id for each in graph.attached(target.id) if each.id not in removed}
        held = kept | {source.id for source, _ in sources}
        if len(held) > MOST:
            raise TooManyAttachments(f"'{target.slug}' would have {len(held)} attachments; {MOST} is the most.")
        ids = {target.id, *(source.id for source, _ in sources)}
        if await self._store.hold(tx, graph.circle_id, ids) != ids:
            raise NotFound()
        wanted = [
            Attachment(self._ids.new(), source.id, target.id, terms.priority, terms.cascade_policy,
                       terms.version_pin, self._clock.now())
            for source, terms in sources
        ]  # fmt: skip
        return [await self._store.attach(tx, graph.circle_id, each) for each in wanted]

    async def remove(self, tx: Transaction, target: Node, ids: Collection[UUID]) -> None:
        await self._store.detach(tx, target.id, ids)

    async def _undone(
        self, tx: Transaction, turn: Turn, target: Node, found: Sequence[Attachment], absent: str
    ) -> Reply:
        if not found:
            raise NotFound(absent, suggestion=_LOOK)
        await self.remove(tx, target, [each.id for each in found])
        shown = turn.shown.attachment(found[0])
        return Reply(shown, events=(told("element.detached", target, shown),), after_commit=turn.after_commit)


_LOOK = Suggestion(
    why="Attachments are known by their id, or by the two elements.",
    fix="GET …/ops/attachments lists what is attached to an element, GET …/ops/targets where it is attached.",
    op="attachments",
)


def told(kind: str, target: Node, attachment: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The event about the target."""
    about = {"id": str(target.id), "slug": target.slug, "element_type": target.element_type}
    return kind, {**about, "attachment": attachment}


def _target(call: OperationRequest, graph: Graph) -> Node:
    node = graph.nodes.get(uuid_of(call.argument("target_id")) or UUID(int=0))
    if node is None:
        raise NotFound("There is no element with this target_id in the circle.")
    return node
