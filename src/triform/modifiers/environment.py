"""What is attached to an element and gives it environment variables, as every run of it finds them."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.schema import at_pointer
from triform.elements.cache import ElementCache
from triform.elements.graph.model import Attachment, Graph
from triform.elements.graph.store import GraphStore
from triform.elements.model import Element, State
from triform.errors import NotFound
from triform.storage.database import Database

CIRCLES = 256
"""Circles whose connections are remembered; what was learnt longest ago goes first."""

_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class _Known:
    """A circle's connections at one revision, and what was made of them."""

    revision: int
    graph: Graph
    of: dict[UUID, Mapping[str, str]] = field(default_factory=dict)


class AttachedEnvironment:
    """Remembered per circle until its graph's revision rises. A revision that was remembered too long is noticed
    by the commit that admits the run."""

    def __init__(self, catalogue: Catalogue, database: Database, graphs: GraphStore, cache: ElementCache) -> None:
        self._catalogue = catalogue
        self._database = database
        self._graphs = graphs
        self._cache = cache
        self._known: OrderedDict[UUID, _Known] = OrderedDict()

    async def of(self, element: Element) -> Mapping[str, str]:
        """By name; of two that set the same one, what is evaluated later."""
        if element.graph_revision == 0:
            return _NOTHING  # Nothing has ever been connected in this circle.
        known = self._known.get(element.circle_id)
        if known is None or known.revision < element.graph_revision:
            known = await self._learn(element.circle_id)
        found = known.of.get(element.id)
        if found is None:
            found = known.of[element.id] = await self._made(known, element)
        return found

    async def _learn(self, circle_id: UUID) -> _Known:
        async with self._database.transaction() as tx:
            revision = await self._graphs.revision(tx, circle_id)
            known = _Known(revision, await self._graphs.graph(tx, circle_id))
        self._known[circle_id] = known
        self._known.move_to_end(circle_id)
        if len(self._known) > CIRCLES:
            self._known.popitem(last=False)
        return known

    async def _made(self, known: _Known, element: Element) -> Mapping[str, str]:
        made: dict[str, str] = {}
        for attachment in known.graph.in_effect(element.id):
            source = await self._source(known, attachment, element.circle_id)
            made |= self._given(source) if source else {}
        return made

    async def _source(self, known: _Known, attachment: Attachment, circle_id: UUID) -> Element | None:
        """The attached element at the version that counts; None when it gives nothing, or is disabled."""
        node = known.graph.nodes[attachment.source_id]
        kind = self._catalogue.find(node.element_type)
        if kind is None or kind.provides.environment is None or node.state is State.disabled:
            return None
        try:
            source = await self._cache.by_id(circle_id, node.id)
            if source.graph_revision < known.revision:
                source = await self._cache.fresh(source)
        except NotFound:
            return None
        pin = attachment.version_pin
        return source if pin is None else await self._cache.at_version(circle_id, source.id, pin)

    def _given(self, source: Element) -> dict[str, str]:
        places = self._catalogue.type(source.element_type).provides.environment
        if places is None:
            return {}
        name = at_pointer(source.spec, places.name) or source.slug.upper().replace("-", "_")
        return {name: text_of(at_pointer(source.spec, places.value))}


def text_of(value: Any) -> str:
    """A text as it is; anything else as compact JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
