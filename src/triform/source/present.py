"""An element as it is now, with a repository that has all its versions."""

import asyncio

from triform.elements.cache import ElementCache
from triform.elements.model import DRAFT, Element
from triform.elements.store import ElementStore
from triform.elements.versions import Versions
from triform.errors import NotFound
from triform.source.repositories import Repositories
from triform.source.repository import Repository
from triform.storage.database import Database, Transaction


class Present:
    """Elements made before there were repositories, and versions a full disk lost, are caught up with here."""

    def __init__(
        self, database: Database, store: ElementStore, cache: ElementCache, repositories: Repositories
    ) -> None:
        self._database = database
        self._store = store
        self._cache = cache
        self.repositories = repositories
        self._versions = Versions(store, repositories)

    async def of(self, element: Element) -> tuple[Element, Repository]:
        """Raises NotFound, SourceUnavailable."""
        fresh = await self._cache.fresh(element)
        if behind(fresh):
            async with self._database.transaction() as tx:
                fresh = await self.locked(tx, element)
            self._cache.forget(element.id)
        return fresh, await asyncio.to_thread(self.repositories.follow, fresh)

    async def as_it_is(self, element: Element) -> tuple[Element, Repository]:
        """The same, with nothing mended. Raises NotFound."""
        fresh = await self._cache.fresh(element)
        return fresh, self.repositories.of(fresh)

    async def locked(self, tx: Transaction, element: Element) -> Element:
        """The same, kept from being changed by others until the transaction ends."""
        found = await self._store.lock(tx, element.circle_id, element.id)
        if found is None:
            raise NotFound
        return (await self._versions.catch_up(tx, found)).element


def behind(element: Element) -> bool:
    """Whether the repository lacks versions."""
    tip = element.branches.get(DRAFT)
    return tip is None or tip.version < element.version
