"""Attachments in Postgres. Whoever writes has announced it as a change of the circle's connections."""

from collections.abc import Collection
from uuid import UUID

from triform.elements.graph.model import Attachment
from triform.storage.database import Transaction
from triform.storage.queries import load

_QUERIES = load(__file__)


class AttachmentStore:
    async def hold(self, tx: Transaction, circle_id: UUID, ids: Collection[UUID]) -> set[UUID]:
        """Those of these elements that live; they are not deleted before the transaction ends."""
        return {row["id"] for row in await tx.fetch(_QUERIES["hold"], circle_id, list(ids))}

    async def attach(self, tx: Transaction, circle_id: UUID, wanted: Attachment) -> Attachment:
        """What is there now: an earlier attachment of the two keeps its id."""
        row = await tx.fetchrow(
            _QUERIES["attach"], wanted.id, circle_id, wanted.source_id, wanted.target_id, wanted.priority,
            wanted.cascade_policy, wanted.version_pin, wanted.created_at,
        )  # fmt: skip
        return Attachment(**dict(row or {}))

    async def detach(self, tx: Transaction, target_id: UUID, ids: Collection[UUID]) -> None:
        await tx.execute(_QUERIES["detach"], target_id, list(ids))
