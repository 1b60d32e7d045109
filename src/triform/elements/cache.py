"""Elements by address, remembered per process.

What is remembered may be stale: whoever acts on an element compares version and state in the transaction
that acts, and calls `reload` when they differ. Nothing is refused on the strength of a memory alone.
"""

from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from triform.chemistry.operation import Operation
from triform.circles.model import Circle
from triform.clock import Clock
from triform.elements.errors import ElementDisabled
from triform.elements.model import Element, State
from triform.elements.paths import Address
from triform.elements.store import ElementStore
from triform.errors import NotFound
from triform.storage.database import Database

REMEMBERED = 4096
"""Elements kept in memory; the longest unused go first."""
FRESH_S = 5.0
"""How long a memory is trusted before it is read again: the bound on what other processes changed."""


@dataclass(frozen=True, slots=True)
class _Memory:
    element: Element
    until: float


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

    async def ensure_usable(self, element: Element, operation: Operation) -> Element:
        """`element`, or its fresh state where only that allows `operation`. Raises ElementDisabled."""
        if not _hindered(element, operation):
            return element
        fresh = await self.reload(element)
        if _hindered(fresh, operation):
            raise ElementDisabled(f"The element '{fresh.slug}' is disabled.")
        return fresh

    def forget(self, element_id: UUID) -> None:
        """To be called after every committed change of an element."""
        self._forgotten += 1
        memory = self._by_id.pop(element_id, None)
        if memory is not None:
            self._id_of.pop(_address(memory.element), None)

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


def _hindered(element: Element, operation: Operation) -> bool:
    return element.state is State.disabled and operation.execution


def _address(element: Element) -> tuple[UUID, str]:
    """The circle itself has no slug, though it may be called like one of its elements."""
    return element.circle_id, "" if element.is_circle else element.slug
