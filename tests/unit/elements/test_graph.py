"""The graph of a circle as a value: what is above, below, in effect and around, for any shape it may have."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triform.elements.graph.model import Attachment, Graph, Node, Reference
from triform.elements.graph.walk import Edge, walk
from triform.elements.model import State

CIRCLE = UUID(int=1)
MOST = 9
AT = datetime(2026, 1, 1, tzinfo=UTC)


def node(number: int) -> Node:
    parent = None if number == 1 else CIRCLE
    return Node(UUID(int=number), parent, f"n{number:02}", "any", "", State.ready, 1)


def attachment(number: int, source: int, target: int, priority: int, cascade: bool) -> Attachment:
    policy = "members" if cascade else "none"
    return Attachment(UUID(int=1000 + number), UUID(int=source), UUID(int=target), priority, policy, None, AT)


NUMBERS = st.integers(1, MOST)
PAIRS = st.sets(st.tuples(st.integers(2, MOST), st.integers(2, MOST)).filter(lambda pair: pair[0] != pair[1]))


@st.composite
def graphs(draw: st.DrawFn, circular: bool = False) -> Graph:
    """Everything lies in the circle; references lead to higher numbers, or anywhere."""
    pairs = draw(PAIRS)
    references = [Reference(UUID(int=a), "member", UUID(int=b)) for a, b in sorted(pairs) if circular or a < b]
    apart = st.tuples(NUMBERS, NUMBERS, st.integers(0, 3), st.booleans()).filter(lambda each: each[0] != each[1])
    wanted = draw(st.lists(apart, max_size=12, unique_by=lambda each: each[:2]))
    attachments = [attachment(index, *each) for index, each in enumerate(wanted)]
    return Graph(CIRCLE, map(node, range(1, MOST + 1)), references, attachments)


def above(graph: Graph, element_id: UUID) -> set[UUID]:
    """What holds an element, at first or second hand, by looking from every other one down."""
    return {each for each in graph.nodes if element_id in {inner.id for inner in graph.below(each)} - {each}}


@given(graphs(), NUMBERS)
def test_in_effect_is_what_is_attached_to_it_and_what_cascades_from_what_holds_it(
    graph: Graph, number: int
) -> None:
    here = UUID(int=number)
    found = graph.in_effect(here)
    everything = [each for target in graph.nodes for each in graph.attached(target)]
    wanted = {
        a.id for a in everything if a.target_id == here or (a.cascades and a.target_id in above(graph, here))
    }
    assert {each.id for each in found} == wanted
    assert len(found) == len(wanted)


@given(graphs(), NUMBERS)
def test_the_nearer_comes_later_and_at_one_place_the_priority_decides(graph: Graph, number: int) -> None:
    here = UUID(int=number)
    distance = distances(graph, here)
    keys = [(-distance[each.target_id], each.target_id) for each in graph.in_effect(here)]
    assert [far for far, _ in keys] == sorted(far for far, _ in keys)
    for place in graph.nodes:
        ordered = [(each.priority, each.id) for each in graph.attached(place)]
        assert ordered == sorted(ordered)


def distances(graph: Graph, element_id: UUID) -> Mapping[UUID, int]:
    """Steps up along references; the circle is farther than everything."""
    found, level, steps = {element_id: 0}, {element_id}, 0
    while level:
        steps += 1
        level = {r.source_id for each in level for r in graph.referenced_by(each)} - found.keys()
        found |= dict.fromkeys(level, steps)
    return {CIRCLE: 0 if element_id == CIRCLE else MOST + 1} | found


@given(graphs(circular=True), NUMBERS)
def test_even_a_circular_graph_is_walked_to_an_end(graph: Graph, number: int) -> None:
    here = UUID(int=number)
    below = [each.id for each in graph.below(here)]
    assert len(below) == len(set(below))
    assert here not in below
    graph.holders(here)
    assert {each.id for each in walk(graph, here, 10, 100).nodes} == set(graph.nodes), "all are in one circle"


@given(graphs(circular=True), NUMBERS, st.integers(0, 4))
def test_a_walk_reaches_what_is_near_and_tells_each_connection_once(graph: Graph, number: int, depth: int) -> None:
    found = walk(graph, UUID(int=number), depth, 100)
    known = {each.id for each in found.nodes}
    assert len(known) == len(found.nodes)
    for edge in found.edges:
        assert {edge.source, edge.target} <= known
    told = [ends(edge) for edge in found.edges]
    assert len(set(told)) == len(told)


def ends(edge: Edge) -> tuple[str, UUID, UUID]:
    """The same for a connection from whichever end it is read."""
    forwards = {"contained_by": "contains", "referenced_by": "references", "attached_by": "attaches"}
    if edge.relation in forwards:
        return forwards[edge.relation], edge.target, edge.source
    return edge.relation, edge.source, edge.target


def test_a_walk_stops_at_so_many() -> None:
    graph = Graph(CIRCLE, map(node, range(1, MOST + 1)), (), ())
    found = walk(graph, CIRCLE, 1, 4)
    assert (len(found.nodes), found.truncated) == (4, True)
    assert not walk(graph, CIRCLE, 1, MOST).truncated


@pytest.mark.parametrize("missing", ["source", "target"])
def test_connections_of_what_is_gone_are_left_out(missing: str) -> None:
    there, gone = 2, 99
    source, target = (gone, there) if missing == "source" else (there, gone)
    graph = Graph(
        CIRCLE,
        [node(1), node(there)],
        [Reference(UUID(int=source), "member", UUID(int=target))],
        [attachment(1, source, target, 1, True)],
    )
    assert not graph.in_effect(UUID(int=there))
    assert not graph.held(UUID(int=there))
    assert not graph.referenced_by(UUID(int=there))
