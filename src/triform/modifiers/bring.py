"""Attachments that come with the envelope of a circle."""

from collections.abc import Sequence
from typing import Any

from triform.elements.graph.model import Node
from triform.errors import NotFound, TriformError
from triform.modifiers.change import Changes, Turn, told
from triform.modifiers.errors import NotAttachable
from triform.modifiers.terms import Terms, terms_of, unfit
from triform.reply import Reply
from triform.runs.call import Call
from triform.source.bundles import Carried
from triform.source.importing import Attached
from triform.storage.database import Transaction

Ends = tuple[Node, Node, Terms]


class BringAttachments:
    """Each that fits is made; all of one target together. Attaching again changes the terms."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def __call__(self, call: Call, tx: Transaction, wanted: Sequence[Carried]) -> Attached:
        """Raises Forbidden."""
        turn = await self._changes.turn(call, tx)
        fitting, refused = dict[Node, dict[str, tuple[Node, Terms]]](), list[tuple[str, TriformError]]()
        for each in wanted:
            try:
                source, target, terms = self._ends(turn, each)
            except TriformError as error:
                refused.append((each.source, error))
            else:
                fitting.setdefault(target, {})[source.slug] = (source, terms)
        events = list[tuple[str, Any]]()
        for target, sources in fitting.items():
            try:
                async with tx.part():
                    made = await self._changes.add(tx, turn.graph, target, list(sources.values()))
            except TriformError as error:
                refused += [(slug, error) for slug in sources]
            else:
                events += [told("element.attached", target, turn.shown.attachment(each)) for each in made]
        return Attached(len(events), Reply(None, events=tuple(events), after_commit=turn.after_commit), refused)

    def _ends(self, turn: Turn, wanted: Carried) -> Ends:
        by_slug = turn.graph.by_slug
        source = by_slug.get(wanted.source)
        target = turn.graph.nodes[turn.graph.circle_id] if wanted.target is None else by_slug.get(wanted.target)
        if source is None or target is None:
            absent = wanted.source if source is None else wanted.target
            raise NotFound(f"There is no element '{absent}' in this circle.")
        if wrong := unfit(self._changes.catalogue, source, target, wanted.version_pin):
            raise NotAttachable(f"'{wanted.source}' cannot be attached to '{target.slug}': {wrong}.")
        return source, target, terms_of(wanted.priority, wanted.cascade_policy, wanted.version_pin)
