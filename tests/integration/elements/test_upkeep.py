"""Meta, enable, disable, delete."""

import asyncio
from typing import Any

import pytest

from triform.circles.model import Circle
from triform.elements.errors import ConfirmationRequired, ElementInUse, VersionMismatch
from triform.errors import InvalidInput, NotFound


async def test_meta_is_merged_by_top_level_member_and_makes_no_version(world: Any, circle: Circle) -> None:
    element = await world.create(circle, meta={"a": {"x": 1, "y": 2}, "b": 1})
    reply = await world.do("update_meta", element, meta={"a": {"x": 9}, "c": 3, "b": None})
    assert reply.value["meta"] == {"a": {"x": 9}, "c": 3}
    assert reply.value["version"] == 1
    assert (await world.do("version", element, history=True)).value["version"] == 1


@pytest.mark.parametrize("meta", [None, [], "x", {"k": "x" * 70_000}])
async def test_meta_out_of_bounds_is_refused(world: Any, circle: Circle, meta: Any) -> None:
    element = await world.create(circle)
    with pytest.raises(InvalidInput):
        await world.do("update_meta", element, meta=meta)


async def test_meta_cannot_grow_beyond_its_bound_piece_by_piece(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.do("update_meta", element, meta={"a": "x" * 40_000})
    with pytest.raises(InvalidInput):
        await world.do("update_meta", element, meta={"b": "x" * 40_000})


async def test_no_change_of_meta_is_lost_when_many_come_at_once(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await asyncio.gather(*(world.do("update_meta", element, meta={f"k{n}": n}) for n in range(8)))
    assert (await world.do("get", element)).value["meta"] == {f"k{n}": n for n in range(8)}


async def test_disabling_twice_and_enabling_twice_change_nothing_the_second_time(
    world: Any, circle: Circle
) -> None:
    element = await world.create(circle)
    first = await world.do("disable", element, reason="on holiday")
    again = await world.do("disable", element)
    assert [first.value["state"], again.value["state"]] == ["disabled", "disabled"]
    assert [(kind, data["reason"]) for kind, data in first.events] == [("element.disabled", "on holiday")]
    assert again.events == ()
    assert (await world.do("enable", element)).value["state"] == "ready"
    assert (await world.do("enable", element)).events == ()
    assert (await world.do("get", element)).value["version"] == 1


async def test_enabling_brings_back_the_state_before(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.deploy(element)
    await world.do("disable", element)
    assert (await world.do("enable", element)).value["state"] == "deployed"


async def test_deleting_wants_a_confirmation_and_says_how_to_give_it(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    for given in ({}, {"confirm": False}, {"confirm": "false"}):
        with pytest.raises(ConfirmationRequired) as refused:
            await world.do("delete", element, **given)
        assert refused.value.suggestion is not None
        assert refused.value.suggestion.example == {"confirm": True}
    assert (await world.do("get", element)).value["state"] == "ready"


@pytest.mark.parametrize("confirm", [True, "true", "1"])
async def test_a_deleted_element_is_gone_and_its_slug_free_again(world: Any, circle: Circle, confirm: Any) -> None:
    element = await world.create(circle)
    reply = await world.do("delete", element, confirm=confirm)
    assert reply.value["state"] == "deleted"
    assert [kind for kind, _ in reply.events] == ["element.deleted"]
    with pytest.raises(NotFound):
        await world.cache.by_slug(circle.id, "greet")
    with pytest.raises(NotFound):
        await world.do("get", element)
    assert (await world.create(circle)).id != element.id


@pytest.mark.parametrize("operation", ["delete", "disable", "enable", "update_meta"])
async def test_nothing_more_can_be_done_with_a_deleted_element(world: Any, circle: Circle, operation: str) -> None:
    element = await world.create(circle)
    await world.do("delete", element, confirm=True)
    with pytest.raises(NotFound):
        await world.do(operation, element, confirm=True, meta={})


async def test_if_match_guards_a_delete(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.do("update", element, name="Newer")
    with pytest.raises(VersionMismatch):
        await world.do("delete", element, if_match=1, confirm=True)


@pytest.mark.parametrize("status", ["pending", "running"])
async def test_an_element_with_unfinished_runs_cannot_be_deleted(world: Any, circle: Circle, status: str) -> None:
    element = await world.create(circle)
    run_id = await world.start_run(element, status)
    with pytest.raises(ElementInUse) as refused:
        await world.do("delete", element, confirm=True)
    assert refused.value.facts["in_use_by"] == [{"kind": "run", "name": str(run_id)}]
    await world.database.execute("UPDATE runs SET status = 'completed'")
    assert (await world.do("delete", element, confirm=True)).value["state"] == "deleted"


async def test_a_run_accepted_while_a_delete_looks_is_seen_or_refused(world: Any, circle: Circle) -> None:
    """Whoever locks the element first decides; there is never an unfinished run of a deleted element."""
    element = await world.create(circle)
    accepting = world.database.transaction()
    tx = await accepting.__aenter__()
    await tx.fetchval("SELECT state FROM elements WHERE id = $1 FOR KEY SHARE", element.id)
    deleting = asyncio.create_task(world.do("delete", element, confirm=True))
    while not await world.database.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        assert not deleting.done()
    await world.start_run(element)
    await accepting.__aexit__(None, None, None)
    with pytest.raises(ElementInUse):
        await deleting


async def test_an_element_with_children_cannot_be_deleted(world: Any, circle: Circle) -> None:
    parent, child = await world.create(circle), await world.create(circle, "child")
    await world.database.execute("UPDATE elements SET parent_id = $1 WHERE id = $2", parent.id, child.id)
    with pytest.raises(ElementInUse) as refused:
        await world.do("delete", parent, confirm=True)
    assert refused.value.facts["in_use_by"] == [{"kind": "child", "name": "child"}]


async def test_the_circle_itself_cannot_be_deleted(world: Any, circle: Circle) -> None:
    with pytest.raises(NotFound):
        await world.do("delete", await world.root(circle), confirm=True)
