"""What specs say of other elements: these must be there, and nothing may hold itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeAlias
from uuid import UUID

from triform.chemistry.element_type import ElementType
from triform.chemistry.schema import at_pointer
from triform.elements.cache import Forget
from triform.elements.errors import InvalidSpec
from triform.elements.graph.model import Graph, Reference
from triform.elements.graph.store import GraphStore
from triform.elements.model import Element
from triform.errors import Complaint, Suggestion
from triform.storage.database import Transaction

DEEPEST = 10
"""Levels of elements that refer to elements."""

AfterCommit: TypeAlias = tuple[Callable[[], None], ...]


@dataclass(frozen=True, slots=True)
class _Named:
    """A slug where the spec has it."""

    relation: str
    slug: str
    pointer: str


class Connections:
    """Told of each change of an element, in its transaction; what comes back belongs to the reply."""

    def __init__(self, store: GraphStore, forget_circle: Forget) -> None:
        self._store = store
        self._forget_circle = forget_circle

    async def touched(self, tx: Transaction, element_type: ElementType, element: Element) -> AfterCommit:
        """The element is another one now, which may concern what it is connected with."""
        return await self.changed(tx, element.circle_id) if element_type.bears else ()

    async def changed(self, tx: Transaction, circle_id: UUID) -> AfterCommit:
        """Connections of the circle change in this transaction, and in no other until it ends."""
        await self._store.changed(tx, circle_id)
        return (partial(self._forget_circle, circle_id),)

    async def settle(self, tx: Transaction, element_type: ElementType, element: Element) -> AfterCommit:
        """Stores what the spec of an element, already written, refers to. Raises InvalidSpec."""
        after = await self.touched(tx, element_type, element)
        if not element_type.references:
            return after
        named = list(_named(element_type, element))
        found = await self._store.ids_of(tx, element.circle_id, [each.slug for each in named])
        _refuse(_absent(each) for each in named if each.slug not in found)
        references = [Reference(element.id, each.relation, found[each.slug]) for each in named]
        await self._store.refer(tx, element, references)
        graph = await self._store.graph(tx, element.circle_id)
        _refuse(_circular(graph, element.id, named, found))
        _refuse(_too_deep(graph, element.id, named, found))
        return after


def slugs_of(element_type: ElementType, spec: Mapping[str, Any]) -> dict[str, list[str]]:
    """What a spec refers to, by relation."""
    pointers = element_type.references.items()
    return {relation: list(at_pointer(spec, pointer) or ()) for relation, pointer in pointers}


def _named(element_type: ElementType, element: Element) -> Iterator[_Named]:
    for relation, slugs in slugs_of(element_type, element.spec).items():
        for index, slug in enumerate(slugs):
            yield _Named(relation, slug, f"/spec{element_type.references[relation]}/{index}")


def _absent(named: _Named) -> Complaint:
    return Complaint(named.pointer, f"there is no element '{named.slug}' in this circle")


def _circular(
    graph: Graph, element_id: UUID, named: Sequence[_Named], found: Mapping[str, UUID]
) -> Iterator[Complaint]:
    for each in named:
        below = {found[each.slug], *(node.id for node in graph.below(found[each.slug]))}
        if element_id in below:
            yield Complaint(each.pointer, f"'{each.slug}' holds this element itself")


def _too_deep(
    graph: Graph, element_id: UUID, named: Sequence[_Named], found: Mapping[str, UUID]
) -> Iterator[Complaint]:
    @cache
    def above(each: UUID) -> int:
        return max((1 + above(reference.source_id) for reference in graph.referenced_by(each)), default=0)

    @cache
    def below(each: UUID) -> int:
        return max((1 + below(reference.target_id) for reference in graph.members(each)), default=0)

    for each in named:
        if above(element_id) + 1 + below(found[each.slug]) > DEEPEST:
            yield Complaint(each.pointer, f"'{each.slug}' would be more than {DEEPEST} levels deep")


def _refuse(complaints: Iterator[Complaint]) -> None:
    if not (found := tuple(complaints)):
        return
    raise InvalidSpec(
        f"{found[0].pointer}: {found[0].message}",
        errors=found,
        suggestion=Suggestion(
            why="A spec refers to elements that are in the circle, and to none that holds it.",
            fix="Create what is missing first, or take it out of the list.",
            op="tree",
        ),
    )
