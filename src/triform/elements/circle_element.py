"""The element that stands for a circle; its id is the circle's."""

from triform.chemistry.catalogue import Catalogue
from triform.circles.model import Actor, Circle
from triform.clock import Clock
from triform.elements.model import Element, State
from triform.elements.store import ElementStore
from triform.storage.database import Transaction

_PLATFORM = Actor("system", "platform")


class CircleElements:
    """Makes the element in the transaction that makes the circle."""

    def __init__(self, catalogue: Catalogue, store: ElementStore, clock: Clock) -> None:
        self._catalogue = catalogue
        self._store = store
        self._clock = clock

    async def create(self, tx: Transaction, circle: Circle) -> None:
        """Writes the element whose id is `circle.id`, at version 1; its first change makes its repository."""
        tenant, now = self._catalogue.tenant_type, self._clock.now()
        element = Element(
            id=circle.id,
            circle_id=circle.id,
            circle_name=circle.name,
            parent_id=None,
            slug=circle.name,
            element_type=tenant.name,
            name=circle.name,
            intention="",
            state=State.ready,
            enabled_state=State.ready,
            version=1,
            spec=tenant.check_spec({}).spec,
            meta={},
            created_at=now,
            updated_at=now,
        )
        await self._store.insert(tx, element)
        await self._store.insert_version(tx, element, _PLATFORM, "created", None)
