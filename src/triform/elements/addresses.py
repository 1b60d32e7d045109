"""From an address to the element it names: by its last slug, if what comes before really holds it."""

from itertools import pairwise

from triform.chemistry.catalogue import Catalogue
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
        holders = [await self._cache.by_slug(circle.id, slug) for slug in address.through]
        for outer, inner in pairwise([*holders, element]):
            if not self._holds(outer, inner) and not self._holds(await self._cache.fresh(outer), inner):
                raise NotFound(f"'{inner.slug}' is not in '{outer.slug}'.")
        return element

    def _holds(self, outer: Element, inner: Element) -> bool:
        kind = self._catalogue.find(outer.element_type)
        referred = slugs_of(kind, outer).values() if kind else ()
        return inner.parent_id == outer.id or any(inner.slug in slugs for slugs in referred)
