"""Runs that still need their element."""

from collections.abc import Sequence

from triform.elements.bonds import Bond
from triform.elements.model import Element
from triform.storage.database import Transaction
from triform.storage.queries import load

_QUERIES = load(__file__, "reading.sql")


class ActiveRuns:
    """Pending and running runs bind an element: it cannot be deleted before they have ended."""

    async def of(self, element: Element, tx: Transaction, limit: int) -> Sequence[Bond]:
        rows = await tx.fetch(_QUERIES["active"], element.id, limit)
        return [Bond("run", str(row["run_id"])) for row in rows]
