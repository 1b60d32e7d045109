"""A new version: a row of the history, and a commit on draft."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from triform.elements.errors import SourceUnavailable
from triform.elements.model import DRAFT, Element, Tip
from triform.elements.source import Brought, Change, Source
from triform.elements.store import ElementStore
from triform.errors import Complaint
from triform.storage.database import Transaction

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Added:
    """`element` with draft where it is now; `after_commit` belongs to the reply."""

    element: Element
    warnings: tuple[Complaint, ...] = ()
    after_commit: tuple[Callable[[], None], ...] = ()


class Versions:
    """Whoever calls has locked the element's row and written it, so commits come one after the other.

    A repository that cannot be written costs a warning, never the save: the versions it lacks are committed with
    the next one, or by `source_repair`. So the versions without a commit are always the last ones.
    """

    def __init__(self, store: ElementStore, source: Source) -> None:
        self._store = store
        self._source = source

    async def add(self, tx: Transaction, change: Change, brought: Brought | None = None) -> Added:
        """Adds what its element now is. Raises SourceUnavailable and SourceMoved only where files come with it."""
        element, actor, summary = change.element, change.actor, change.summary
        try:
            commits = await self._commit(tx, element, [change], brought)
        except SourceUnavailable as error:
            if brought is not None or change.files_of is not None:
                raise
            _log.warning("version_not_committed", element_id=str(element.id), detail=error.detail)
            await self._store.insert_version(tx, element, actor, summary, None)
            return Added(element, (Complaint("", f"{error.message} source_repair mends it."),))
        await self._store.insert_version(tx, element, actor, summary, commits[-1])
        return await self._moved(tx, element, Tip(commits[-1], element.version))

    async def catch_up(self, tx: Transaction, element: Element) -> Added:
        """Commits the versions that the repository lacks. Raises SourceUnavailable."""
        tip = element.branches.get(DRAFT)
        if tip is not None and tip.version == element.version:
            return Added(element)
        commits = await self._commit(tx, element, [], None)
        return await self._moved(tx, element, Tip(commits[-1], element.version))

    async def _commit(
        self, tx: Transaction, element: Element, last: list[Change], brought: Brought | None
    ) -> list[str]:
        """The commits of the missing versions (their rows learn of them) and of `last`, which has no row yet."""
        tip = element.branches.get(DRAFT)
        done = tip.version if tip else 0
        missing = [] if done + len(last) == element.version else await self._store.changes_after(tx, element, done)
        commits = await self._source.commit([*missing, *last], tip.commit if tip else None, brought)
        for change, commit in zip(missing, commits, strict=False):
            await self._store.set_commit(tx, element.id, change.element.version, commit)
        return commits

    async def _moved(self, tx: Transaction, element: Element, tip: Tip) -> Added:
        await self._store.set_tip(tx, element.id, DRAFT, tip)
        moved = element.evolve(branches={**element.branches, DRAFT: tip}, commit=tip.commit)
        return Added(moved, after_commit=(partial(self._source.point, moved, DRAFT, tip.commit),))
