"""The connections of a circle in Postgres."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from triform.elements.bonds import Bond
from triform.elements.graph.model import Attachment, Graph, Node, Reference
from triform.elements.model import Element, State
from triform.errors import NotFound
from triform.storage.database import Row, Statements, Transaction
from triform.storage.queries import load

_QUERIES = load(__file__)


class GraphStore:
    """Rows in, rows out. Whoever changes connections calls `changed` first: it lets one in at a time."""

    async def graph(self, db: Transaction | Statements, circle_id: UUID) -> Graph:
        """All of a circle as the transaction sees it."""
        return Graph(
            circle_id,
            map(_node, await db.fetch(_QUERIES["nodes"], circle_id)),
            (Reference(**dict(row)) for row in await db.fetch(_QUERIES["references"], circle_id)),
            (Attachment(**dict(row)) for row in await db.fetch(_QUERIES["attachments"], circle_id)),
        )

    async def around(self, db: Transaction | Statements, element: Element) -> Graph:
        """As `graph`, of an element's circle. Raises NotFound when the element has gone meanwhile."""
        graph = await self.graph(db, element.circle_id)
        if element.id not in graph.nodes:
            raise NotFound()
        return graph

    async def changed(self, tx: Transaction, circle_id: UUID) -> None:
        """Connections of the circle change in this transaction, and in no other until it ends."""
        await tx.execute(_QUERIES["changed"], circle_id)

    async def revision(self, tx: Transaction, circle_id: UUID) -> int:
        return int(await tx.fetchval(_QUERIES["revision"], circle_id))

    async def ids_of(self, tx: Transaction, circle_id: UUID, slugs: Sequence[str]) -> Mapping[str, UUID]:
        """By slug, of those that are there; these stay until the transaction ends."""
        return {row["slug"]: row["id"] for row in await tx.fetch(_QUERIES["find_slugs"], circle_id, slugs)}

    async def refer(self, tx: Transaction, element: Element, references: Sequence[Reference]) -> None:
        """`references` are all that the element refers to from now on, in order."""
        await tx.execute(_QUERIES["forget_references"], element.id)
        relations, targets = [each.relation for each in references], [each.target_id for each in references]
        places = list(range(len(references)))
        await tx.execute(_QUERIES["insert_references"], element.id, element.circle_id, relations, targets, places)

    async def of(self, element: Element, tx: Transaction, limit: int) -> Sequence[Bond]:
        """What keeps it from being deleted."""
        return [Bond(row["kind"], row["name"]) for row in await tx.fetch(_QUERIES["bonds"], element.id, limit)]


def _node(row: Row) -> Node:
    return Node(**{**row, "state": State(row["state"])})
