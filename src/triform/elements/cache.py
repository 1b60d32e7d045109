"""Elements by address, remembered per process.

What is remembered may be stale: whoever acts on an element compares version and state in the transaction
that acts, and calls `reload` when they differ. Nothing is refused on the strength of a memory alone.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from triform.chemistry.operation import Operation
from triform.circles.model import Circle
from triform.clock import Clock
from triform.elements.errors import NotPromoted
from triform.elements.model import Element
from triform.elements.paths import Address
from triform.elements.store import ElementStore
from triform.elements.usable import ensure_usable, hindered
from triform.errors import NotFound
from triform.storage.database import Database

REMEMBERED = 4096
"""Elements kept in memory; the longest unused go first."""
FRESH_S = 5.0
"""How long a memory is trusted before it is read again: the bound on what other processes changed."""

Forget: TypeAlias = Callable[[UUID], None]
"""What to call with an element's id once a change of it has been committed."""


@dataclass(frozen=True, slots=True)
class _Memory:
    element: Element
    until: float
    earlier: dict[int, Element] = field(default_factory=dict)
    """What it was at earlier versions; a version never changes, what a deploy pinned for it might."""


class ElementCache:
    def __init__(self, database: Database, store: ElementStore, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._by_id: OrderedDict[UUID, _Memory] = OrderedDict()
        self._id_of: dict[tuple[UUID, str], UUID] = {}
        self._forgotten = 0

    async def resolve(self, circle: Circle, address: Address) -> Element:
        """The element an address names within the caller's circle. Raises NotFound, for other circles too."""
        if address.circle != circle.name:
            raise NotFound()
        if address.slug is None:
            return await self.by_id(circle.id, circle.id)
        return await self.by_slug(circle.id, address.slug)

    async def by_slug(self, circle_id: UUID, slug: str) -> Element:
        """Raises NotFound."""
        known = self._id_of.get((circle_id, slug))
        memory = self._recall(known) if known else None
        return memory or await self._load_by_slug(circle_id, slug)

    async def by_id(self, circle_id: UUID, element_id: UUID) -> Element:
        """Raises NotFound, for an element of another circle too."""
        memory = self._recall(element_id)
        if memory is not None and memory.circle_id == circle_id:
            return memory
        began = self._forgotten
        return self._remember(await self._store.find_by_id(self._database, circle_id, element_id), began)

    async def reload(self, element: Element) -> Element:
        """What now stands at the address of `element`. Raises NotFound when nothing does."""
        self.forget(element.id)
        if element.is_circle:
            return await self.by_id(element.circle_id, element.id)
        return await self._load_by_slug(element.circle_id, element.slug)

    async def fresh(self, element: Element) -> Element:
        """The very same element, read anew. Raises NotFound when it has been deleted."""
        self.forget(element.id)
        return await self.by_id(element.circle_id, element.id)

    async def ensure_usable(self, element: Element, operation: Operation) -> Element:
        """`element`, or its fresh state where only that allows `operation`. Raises ElementDisabled."""
        if not hindered(element, operation):
            return element
        fresh = await self.reload(element)
        ensure_usable(fresh, operation)
        return fresh

    async def at_version(self, circle_id: UUID, element_id: UUID, version: int) -> Element | None:
        """The living element with name, intention and spec as they were at a version."""
        try:
            element = await self.by_id(circle_id, element_id)
        except NotFound:
            return None
        return await self._at_version(element, version)

    async def in_env(self, element: Element, env: str) -> Element:
        """`element` at the version that was promoted to `env`. Raises NotPromoted."""
        if env not in element.branches:
            element = await self.fresh(element)
        tip = element.branches.get(env)
        found = await self._at_version(element, tip.version) if tip else None
        if found is None:
            raise NotPromoted(f"Nothing has been promoted to {env} yet.")
        return found

    async def _at_version(self, element: Element, version: int) -> Element | None:
        memory = self._by_id.get(element.id)
        known = memory.earlier.get(version) if memory is not None and memory.element is element else None
        found = known or await self._store.at_version(self._database, element, version)
        if found is not None and memory is not None and memory.element is element:
            memory.earlier[version] = found
        return found

    def forget(self, element_id: UUID) -> None:
        """To be called after every committed change of an element."""
        self._forgotten += 1
        memory = self._by_id.pop(element_id, None)
        if memory is not None:
            self._id_of.pop(_address(memory.element), None)

    def forget_circle(self, circle_id: UUID) -> None:
        """Something in this circle changed, whatever it was."""
        self._forgotten += 1
        for element_id in [key for key, memory in self._by_id.items() if memory.element.circle_id == circle_id]:
            self.forget(element_id)

    async def _load_by_slug(self, circle_id: UUID, slug: str) -> Element:
        began = self._forgotten
        return self._remember(await self._store.find_by_slug(self._database, circle_id, slug), began)

    def _recall(self, element_id: UUID) -> Element | None:
        memory = self._by_id.get(element_id)
        if memory is None or memory.until < self._clock.monotonic():
            return None
        self._by_id.move_to_end(element_id)
        return memory.element

    def _remember(self, element: Element | None, began: int) -> Element:
        """Kept only if nothing was forgotten while it was read: it might be what had just been changed."""
        if element is None:
            raise NotFound()
        if began == self._forgotten:
            self._by_id[element.id] = _Memory(element, self._clock.monotonic() + FRESH_S)
            self._by_id.move_to_end(element.id)
            self._id_of[_address(element)] = element.id
            self._shrink()
        return element

    def _shrink(self) -> None:
        while len(self._by_id) > REMEMBERED:
            _, memory = self._by_id.popitem(last=False)
            self._id_of.pop(_address(memory.element), None)


def _address(element: Element) -> tuple[UUID, str]:
    """The circle itself has no slug, though it may be called like one of its elements."""
    return element.circle_id, "" if element.is_circle else element.slug
