"""Which runtime images deploys pinned, of all circles."""

from typing import Any

from triform.elements.model import Pin

OTHER = {"source": {"code": "def handler(input)\n  1\nend\n"}}


async def test_every_version_that_was_deployed_pins_its_image(world: Any) -> None:
    acme, other = await world.new_circle(), await world.new_circle("other")
    greet, score = await world.create(acme, "greet"), await world.create(other, "score")
    await world.create(acme, "never-deployed")
    await world.deploy(greet, image="old")
    await world.do("update", greet, spec=OTHER)
    greet = await world.cache.by_slug(acme.id, "greet")
    await world.deploy(greet, image="new")
    await world.deploy(score, image="old")
    assert await world.store.pins(world.database) == (
        Pin("old", "acme", "greet", 1),
        Pin("new", "acme", "greet", 2),
        Pin("old", "other", "score", 1),
    )


async def test_what_is_deleted_pins_nothing_and_what_is_disabled_does(world: Any) -> None:
    acme = await world.new_circle()
    for slug, operation, given in (("a", "delete", {"confirm": True}), ("b", "disable", {})):
        element = await world.create(acme, slug)
        await world.deploy(element)
        await world.do(operation, element, **given)
    assert [pin.element for pin in await world.store.pins(world.database)] == ["b"]
