"""Secret values between a call, the rows of an element and its versions."""

from typing import Any

import msgspec
import pytest

from triform.circles.model import Circle
from triform.elements.errors import InvalidSpec
from triform.elements.model import Element
from triform.elements.secrets import MOST
from triform.elements.vault import SecretUnreadable, Vault
from triform.testing.secrets import masks_of_tests

from .conftest import CODE, World

VALUE, NEXT = "hunter2hunter2", "correct horse battery"


def secret(value: str) -> dict[str, Any]:
    return {"secret": True, "value": value}


async def change(world: World, element: Element, operation: str = "update", **given: Any) -> Element:
    """As the executor does it: the values are taken out of the call before anything else sees it."""
    call = world.call(element, operation, given)
    kind = world.catalogue.type(given.get("element_type", element.element_type))
    offered = world.secrets.concealed(kind, element.circle_id, given["spec"])
    call = call.evolve(input={**given, "spec": offered.spec}, secrets=offered.values)
    prepared = await world.prepare(operation, call)
    async with world.database.transaction() as tx:
        reply = await world.perform(operation, call, tx, prepared)
    for act in reply.after_commit:
        act()
    return await world.cache.by_slug(element.circle_id, reply.value["slug"])


async def keeping(world: World, circle: Circle, slug: str = "keeper", **environment: Any) -> Element:
    spec = {"source": {"code": CODE}, "environment": environment or {"KEY": secret(VALUE)}}
    return await change(world, await world.root(circle), "create", element_type="ruby", slug=slug, spec=spec)


async def everything(world: World) -> bytes:
    rows = [
        row
        for table in ("elements", "element_versions", "events", "runs")
        for row in await world.database.fetch(f"SELECT * FROM {table}")
    ]
    cells = [cell for row in rows for cell in row.values()]
    return b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)


async def test_the_rows_have_a_digest_and_a_box(world: World, circle: Circle) -> None:
    element = await keeping(world, circle)
    assert VALUE.encode() not in await everything(world)
    assert element.spec["environment"]["KEY"] == {"secret": True, "digest": element.secrets["KEY"].digest}
    assert world.secrets.revealed(element) == {"KEY": VALUE}


async def test_a_box_belongs_to_its_element_and_name(world: World, circle: Circle) -> None:
    element, other = await keeping(world, circle), await keeping(world, circle, "other")
    for thief in (other.evolve(secrets=element.secrets), element.evolve(secrets={"NAME": element.secrets["KEY"]})):
        with pytest.raises(SecretUnreadable):
            world.secrets.revealed(thief)


async def test_each_version_has_the_values_it_had(world: World, circle: Circle) -> None:
    first = await keeping(world, circle)
    second = await change(world, first, spec={"environment": {"KEY": secret(NEXT), "MORE": secret(VALUE)}})
    third = await change(world, second, spec={"environment": {"KEY": None}})
    assert world.secrets.revealed(third) == {"MORE": VALUE}
    for version, values in ((1, {"KEY": VALUE}), (2, {"KEY": NEXT, "MORE": VALUE})):
        before = await world.store.at_version(world.database, third, version)
        assert before is not None
        assert world.secrets.revealed(before) == values


async def test_a_digest_of_an_earlier_version_brings_its_value_back(world: World, circle: Circle) -> None:
    first = await keeping(world, circle)
    second = await change(world, first, spec={"environment": {"KEY": secret(NEXT)}})
    third = await change(world, second, spec={"environment": first.spec["environment"]})
    assert world.secrets.revealed(third) == {"KEY": VALUE}


async def test_an_update_of_something_else_keeps_the_box(world: World, circle: Circle) -> None:
    element = await keeping(world, circle)
    after = await change(world, element, spec={"memory_mb": 256})
    assert after.secrets["KEY"].box == element.secrets["KEY"].box


async def test_a_spec_replaced_whole_keeps_what_it_names_and_drops_the_rest(world: World, circle: Circle) -> None:
    element = await keeping(world, circle, KEY=secret(VALUE), GONE=secret(NEXT))
    spec = {"source": {"code": CODE}, "environment": {"KEY": {"secret": True}}}
    after = await change(world, element, spec=spec, deep=False)
    assert world.secrets.revealed(after) == {"KEY": VALUE}


async def test_the_same_value_again_changes_no_digest(world: World, circle: Circle) -> None:
    element = await keeping(world, circle)
    after = await change(world, element, spec={"environment": {"KEY": secret(VALUE)}})
    assert after.spec == element.spec


async def test_a_deleted_element_has_nothing_left_to_decrypt(world: World, circle: Circle) -> None:
    element = await keeping(world, circle)
    await world.do("delete", element, confirm=True)
    for table in ("elements", "element_versions"):
        assert await world.database.fetchval(f"SELECT count(*) FROM {table} WHERE secrets IS NOT NULL") == 0


async def test_every_fault_is_told_at_once_and_nothing_is_repeated(world: World, circle: Circle) -> None:
    with pytest.raises(InvalidSpec) as refused:
        await keeping(world, circle, A=secret("short12"), B={"secret": True}, C=secret(VALUE))
    assert [each.pointer for each in refused.value.errors] == ["/spec/environment/A", "/spec/environment/B"]
    assert "short12" not in f"{refused.value!r} {refused.value.errors} {refused.value.suggestion}"


async def test_an_element_has_a_bounded_number_of_secrets(world: World, circle: Circle) -> None:
    many = {f"KEY_{number}": secret(f"{VALUE}{number}") for number in range(MOST + 1)}
    with pytest.raises(InvalidSpec, match="at most 50 secret values"):
        await keeping(world, circle, **many)


async def test_a_lost_key_is_said_so_and_a_new_value_mends_it(world: World, circle: Circle) -> None:
    element = await keeping(world, circle)
    world.secrets._vault = Vault(lambda purpose: bytes(32))
    with pytest.raises(SecretUnreadable) as lost:
        world.secrets.revealed(element)
    assert "keys/master" in (lost.value.suggestion.fix if lost.value.suggestion else "")
    after = await change(world, element, spec={"environment": {"KEY": secret(NEXT)}})
    assert world.secrets.revealed(after) == {"KEY": NEXT}


async def test_the_mask_follows_the_values(world: World, circle: Circle) -> None:
    masks, element = masks_of_tests(), await keeping(world, circle)
    after = await change(world, element, spec={"environment": {"KEY": secret(NEXT)}})
    before, now = masks.of(element), masks.of(after)
    assert before is not None
    assert now is not None
    assert before.text(f"{VALUE} {NEXT}") == f"[secret] {NEXT}"
    assert now.text(f"{VALUE} {NEXT}") == f"{VALUE} [secret]"
    assert masks.of(element) is before
    assert masks.of(await world.create(circle, "plain")) is None


async def test_what_is_shown_of_an_element_is_json_without_values(world: World, circle: Circle) -> None:
    element = await keeping(world, circle)
    reply = await world.do("get", element)
    assert set(reply.value["spec"]["environment"]["KEY"]) == {"secret", "digest"}
    assert VALUE not in msgspec.json.encode(reply.value).decode()
    assert VALUE not in repr(element)
