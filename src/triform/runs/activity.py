"""`activity`, what has happened to an element or to what it holds; and `batch_stats`, how that has been doing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from triform.clock import Clock, read_rfc3339, rfc3339
from triform.elements.graph.model import Node
from triform.elements.graph.store import GraphStore
from triform.elements.request import Request, refusal, whole_number
from triform.ids import first_at
from triform.reply import Reply
from triform.runs.rows import Row
from triform.runs.stats import batch_of, period_of
from triform.storage.database import Transaction
from triform.storage.queries import load

PAGE = 50
LONGEST_PAGE = 500
FARTHEST = 1_000_000

_QUERIES = load(__file__, "reading.sql")


class ActivityOperations:
    def __init__(self, graphs: GraphStore, clock: Clock) -> None:
        self._graphs = graphs
        self._clock = clock

    def table(self) -> Mapping[str, Any]:
        return {"activity": self.activity, "batch_stats": self.batch_stats}

    async def activity(self, call: Request, tx: Transaction) -> Reply:
        """`{events}`, newest first: of a circle all, else of the element and of what it refers to."""
        limit = whole_number(call, "limit", PAGE, 1, LONGEST_PAGE)
        offset = whole_number(call, "offset", 0, 0, FARTHEST)
        since = first_at(_moment(call)) if call.argument("since") is not None else None
        about = await self._about(call, tx)
        query = _QUERIES["events_of_circle"] if about is None else _QUERIES["events_of_elements"]
        wanted = (about,) if about is not None else ()
        rows = await tx.fetch(query, call.element.circle_id, since, limit, offset, *wanted)
        return Reply({"events": [_event(row) for row in rows]})

    async def batch_stats(self, call: Request, tx: Transaction) -> Reply:
        """`{period, children, aggregate}`: of everything directly below the element."""
        period = period_of(call)
        graph = await self._graphs.graph(tx, call.element.circle_id)
        held = graph.held(call.element.id)
        found, aggregate = await batch_of(
            tx, call.element.circle_id, [node.id for node in held], period, self._clock.now()
        )
        children = [{**_about_node(node), **found[node.id]} for node in held]
        return Reply({"period": period, "children": children, "aggregate": aggregate})

    async def _about(self, call: Request, tx: Transaction) -> list[UUID] | None:
        """Whose events; None = all of the circle's."""
        if call.element.is_circle:
            return None
        if not call.type.references:
            return [call.element.id]
        graph = await self._graphs.graph(tx, call.element.circle_id)
        return [call.element.id, *(node.id for node in graph.below(call.element.id))]


def _about_node(node: Node) -> dict[str, Any]:
    return {"id": str(node.id), "slug": node.slug, "element_type": node.element_type}


def _moment(call: Request) -> datetime:
    try:
        return read_rfc3339(call.argument("since"))
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise refusal("since", "this is a moment such as 2026-01-31T12:00:00Z") from None


def _event(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "kind": row["kind"],
        "element": row["element"],
        "element_id": str(row["element_id"]),
        "operation": row["operation"],
        "run_id": str(row["invocation_id"]) if row["invocation_id"] else None,
        "actor": {"kind": row["actor_kind"], "id": row["actor_id"]},
        "at": rfc3339(row["at"]),
        "trace_id": row["trace_id"] or None,
        "data": msgspec.json.decode(row["data"]),
    }
