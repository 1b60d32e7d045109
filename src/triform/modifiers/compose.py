"""`compose`: attachments of one element are added and removed together, or not at all."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from triform.elements.graph.model import Node
from triform.elements.request import OperationRequest
from triform.errors import Complaint
from triform.modifiers.change import Changes, Turn, told
from triform.modifiers.errors import NotAttachable
from triform.modifiers.terms import Terms, find, terms_of, unfit, uuid_of
from triform.reply import Reply
from triform.storage.database import Transaction


class Compose:
    """`{add: [{ref, priority?, cascade_policy?}], remove: [{attachment_id}]}` → `{added, removed}`."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def __call__(self, call: OperationRequest, tx: Transaction) -> Reply:
        """Raises Forbidden, NotAttachable listing every entry that cannot be, TooManyAttachments."""
        if not call.argument("add") and not call.argument("remove"):
            return Reply({"added": [], "removed": []})
        turn = await self._changes.turn(call, tx)
        target = turn.graph.nodes[call.element.id]
        sources, wrong = list[tuple[Node, Terms]](), list[Complaint]()
        for index, entry in enumerate(call.argument("add") or ()):
            found = self._source(turn, target, entry)
            if isinstance(found, str) or any(found[0].id == known.id for known, _ in sources):
                message = found if isinstance(found, str) else "this element is named twice"
                wrong.append(Complaint(f"/add/{index}/ref", message))
            else:
                sources.append(found)
        wrong += _absent(turn, target, call)
        if wrong:
            raise NotAttachable(
                f"{wrong[0].pointer}: {wrong[0].message}. Nothing was changed.", errors=tuple(wrong)
            )
        return await self._carried_out(call, tx, turn, target, sources)

    async def _carried_out(
        self, call: OperationRequest, tx: Transaction, turn: Turn, target: Node, sources: list[tuple[Node, Terms]]
    ) -> Reply:
        gone = {each.id: turn.shown.attachment(each) for each in turn.graph.attached(target.id)}
        removed = [gone[each] for each in dict.fromkeys(_to_remove(call)) if each in gone]
        ids = [UUID(each["attachment_id"]) for each in removed]
        await self._changes.remove(tx, target, ids)
        made = await self._changes.add(tx, turn.graph, target, sources, ids) if sources else []
        added = [turn.shown.attachment(each) for each in made]
        events = [told("element.attached", target, each) for each in added]
        events += [told("element.detached", target, each) for each in removed]
        return Reply({"added": added, "removed": removed}, events=tuple(events), after_commit=turn.after_commit)

    def _source(self, turn: Turn, target: Node, entry: dict[str, Any]) -> tuple[Node, Terms] | str:
        found = find(turn.graph, entry["ref"])
        if isinstance(found, str):
            return found
        node, pin = found
        wrong = unfit(self._changes.catalogue, node, target, pin)
        return wrong or (node, terms_of(entry.get("priority"), entry.get("cascade_policy"), pin))


def _to_remove(call: OperationRequest) -> Iterator[UUID]:
    for entry in call.argument("remove") or ():
        if (wanted := uuid_of(entry["attachment_id"])) is not None:
            yield wanted


def _absent(turn: Turn, target: Node, call: OperationRequest) -> Iterator[Complaint]:
    known = {each.id for each in turn.graph.attached(target.id)}
    for index, wanted in enumerate(_to_remove(call)):
        if wanted not in known:
            yield Complaint(f"/remove/{index}/attachment_id", "no attachment of this element has this id")
