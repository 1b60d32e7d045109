"""From an address to the element it names: by its last slug, if what comes before really holds it."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.schema import at_pointer
from triform.circles.model import Circle
from triform.elements.cache import ElementCache
from triform.elements.graph.connections import slugs_of
from triform.elements.model import Element
from triform.elements.paths import Address
from triform.errors import NotFound


class Addresses:
    def __init__(self, catalogue: Catalogue, cache: ElementCache) -> None:
        self._catalogue = catalogue
        self._cache = cache

    async def resolve(self, circle: Circle, address: Address) -> Element:
        """Raises NotFound: for what is absent, for other circles, and for a way that leads nowhere."""
        element = await self._cache.resolve(circle, address)
        await self._holders(element, address.through)
        return element

    async def frozen(self, element: Element, through: Sequence[str]) -> Mapping[str, int]:
        """By environment, the version of an element that the innermost project it is reached through has promoted.
        Raises NotFound, for a way that leads nowhere."""
        found: dict[str, int] = {}
        for holder in await self._holders(element, through):
            place = (self._catalogue.find(holder.element_type) or self._catalogue.tenant_type).promoted
            for env, kept in (at_pointer(holder.spec, place) or {} if place else {}).items():
                found |= {env: kept["members"][element.slug]} if element.slug in kept["members"] else {}
        return found

    async def _holders(self, element: Element, through: Sequence[str]) -> list[Element]:
        """From the outside in; none of them remembered from before what the element knows of connections."""
        holders = [await self._cache.by_slug(element.circle_id, slug) for slug in through]
        for index, holder in enumerate(holders):
            if holder.graph_revision < element.graph_revision:
                holders[index] = await self._cache.fresh(holder)
        for outer, inner in pairwise([*holders, element]):
            if not self._holds(outer, inner) and not self._holds(await self._cache.fresh(outer), inner):
                raise NotFound(f"'{inner.slug}' is not in '{outer.slug}'.")
        return holders

    def _holds(self, outer: Element, inner: Element) -> bool:
        kind = self._catalogue.find(outer.element_type)
        referred = slugs_of(kind, outer.spec).values() if kind else ()
        return inner.parent_id == outer.id or any(inner.slug in slugs for slugs in referred)
