"""Looking at elements: get, children, schema, the cache and deployments."""

from typing import Any

import pytest

from triform.circles.model import Circle
from triform.elements import cache as cache_module
from triform.elements.errors import ElementDisabled
from triform.elements.model import State
from triform.elements.paths import parse
from triform.elements.usable import ensure_usable
from triform.errors import InvalidInput, NotFound


async def test_get_answers_with_where_each_value_comes_from(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    reply = await world.do("get", element)
    assert reply.headers == {"ETag": '"1"'}
    provenance = reply.value["provenance"]
    assert provenance["/ops/get"] == "root"
    assert provenance["/ops/logs"] == "category"
    assert provenance["/pricing/invoke"] == "category"
    assert provenance["/properties/memory_mb"] == "element"


async def test_get_shows_what_another_process_changed_even_if_the_look_up_was_older(
    world: Any, circle: Circle
) -> None:
    element = await world.create(circle)
    await world.database.execute("UPDATE elements SET name = 'Elsewhere' WHERE id = $1", element.id)
    assert (await world.do("get", element)).value["name"] == "Elsewhere"


async def test_get_repeats_the_warnings_of_the_spec(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.do("update", element, spec={"memory_mb": 4000})
    assert [each["pointer"] for each in (await world.do("get", element)).value["warnings"]] == ["/spec/memory_mb"]


async def test_schema_lists_tools(world: Any, circle: Circle) -> None:
    tools = (await world.do("schema", await world.create(circle))).value["tools"]
    assert all({"name", "description", "inputSchema"} <= each.keys() for each in tools)


def nothing(total: int = 0, offset: int = 0) -> dict[str, Any]:
    return {"children": [], "total": total, "limit": 50, "offset": offset}


async def test_children_come_by_slug_in_pages_without_the_deleted(world: Any, circle: Circle) -> None:
    for slug in ("c", "a", "d", "b"):
        await world.create(circle, slug)
    await world.do("delete", await world.cache.by_slug(circle.id, "d"), confirm=True)
    root = await world.root(circle)
    page = (await world.do("children", root, limit=2)).value
    assert ([each["slug"] for each in page["children"]], page["total"]) == (["a", "b"], 3)
    page = (await world.do("children", root, limit=2, offset=2)).value
    assert ([each["slug"] for each in page["children"]], page["total"]) == (["c"], 3)
    assert "spec" not in page["children"][0]
    assert (await world.do("children", root, offset=10)).value == nothing(total=3, offset=10)


async def test_children_can_be_narrowed_by_type_state_and_text(world: Any, circle: Circle) -> None:
    await world.create(circle, "one", name="Uno 100%")
    await world.create(circle, "two")
    await world.do("disable", await world.cache.by_slug(circle.id, "two"))

    async def slugs(**given: Any) -> list[str]:
        children = (await world.do("children", await world.root(circle), **given)).value["children"]
        return [each["slug"] for each in children]

    assert await slugs(state=["disabled"]) == ["two"]
    assert await slugs(state=["disabled", "ready"]) == ["one", "two"]
    assert await slugs(types=["python", "ruby"]) == ["one", "two"]
    assert await slugs(types=["python"]) == []
    assert await slugs(q="UNO") == ["one"]
    assert await slugs(q="%") == ["one"]
    assert await slugs(q="tw", state=["ready"]) == []


async def test_a_circle_sees_its_own_children_only(world: Any, circle: Circle) -> None:
    other = await world.new_circle("other")
    await world.create(circle)
    assert (await world.do("children", await world.root(other))).value == nothing()


@pytest.mark.parametrize(
    "given", [{"limit": 0}, {"limit": 501}, {"offset": -1}, {"limit": "x"}, {"q": 5}, {"types": [1]}]
)
async def test_bad_pages_are_refused_with_a_pointer(world: Any, circle: Circle, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        await world.do("children", await world.root(circle), **given)
    assert refused.value.errors[0].pointer == f"/{next(iter(given))}"


async def test_the_circle_is_an_element_of_its_own(world: Any, circle: Circle) -> None:
    reply = await world.do("get", await world.root(circle))
    assert (reply.value["id"], reply.value["path"]) == (str(circle.id), "/api/acme")
    assert reply.value["element_type"] == world.catalogue.tenant_type.name


async def test_addresses_resolve_within_the_callers_circle_only(world: Any, circle: Circle) -> None:
    other = await world.new_circle("other")
    await world.create(circle)
    assert (await world.cache.resolve(circle, parse("acme/greet"))).slug == "greet"
    assert (await world.cache.resolve(circle, parse("acme"))).is_circle
    for address in ("other", "other/greet", "acme/absent"):
        with pytest.raises(NotFound):
            await world.cache.resolve(circle, parse(address))
    with pytest.raises(NotFound):
        await world.cache.resolve(other, parse("other/greet"))


async def test_a_remembered_element_of_another_circle_is_not_found_by_id(world: Any, circle: Circle) -> None:
    other = await world.new_circle("other")
    element = await world.create(circle)
    with pytest.raises(NotFound):
        await world.cache.by_id(other.id, element.id)


async def test_a_memory_is_trusted_for_a_while_and_then_read_again(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.database.execute("UPDATE elements SET name = 'Elsewhere' WHERE id = $1", element.id)
    assert (await world.cache.by_slug(circle.id, "greet")).name == "Greet"
    world.clock.advance(cache_module.FRESH_S + 1)
    assert (await world.cache.by_slug(circle.id, "greet")).name == "Elsewhere"


async def test_reload_finds_what_took_the_place_of_a_deleted_element(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.database.execute("UPDATE elements SET state = 'deleted' WHERE id = $1", element.id)
    with pytest.raises(NotFound):
        await world.cache.reload(element)
    await world.do("create", await world.root(circle), element_type="ruby", slug="greet", spec=element.spec)
    assert (await world.cache.reload(element)).id != element.id


async def test_forgetting_a_circle_forgets_all_its_elements(world: Any, circle: Circle) -> None:
    await world.create(circle)
    await world.database.execute("UPDATE elements SET name = 'New'")
    world.cache.forget_circle(circle.id)
    assert (await world.cache.by_slug(circle.id, "greet")).name == "New"


async def test_the_memory_is_bounded(world: Any, circle: Circle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "REMEMBERED", 2)
    for slug in ("a", "b", "c"):
        await world.create(circle, slug)
    assert len(world.cache._by_id) == 2
    assert (await world.cache.by_slug(circle.id, "a")).slug == "a"


async def test_a_disabled_element_runs_nothing_but_can_be_looked_at(world: Any, circle: Circle) -> None:
    element = (await world.create(circle)).evolve(state=State.disabled)
    element_type = world.catalogue.type("ruby")
    for name in ("invoke", "deploy"):
        with pytest.raises(ElementDisabled):
            ensure_usable(element, element_type.operation(name))
    ensure_usable(element, element_type.operation("get"))
    with pytest.raises(NotFound):
        ensure_usable(element.evolve(state=State.deleted), element_type.operation("get"))


async def test_nobody_is_refused_on_the_strength_of_a_stale_memory(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    invoke = world.catalogue.type("ruby").operation("invoke")
    stale = element.evolve(state=State.disabled)
    assert (await world.cache.ensure_usable(stale, invoke)).state is State.ready
    await world.do("disable", element)
    with pytest.raises(ElementDisabled):
        await world.cache.ensure_usable(stale, invoke)


async def test_a_deploy_of_the_present_version_makes_the_element_deployed(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    assert await world.deploy(element)
    now = await world.cache.by_slug(circle.id, "greet")
    assert (now.state, now.deployed_version) == (State.deployed, 1)
    assert (await world.deployments.of(now)).runtime_image == "sha256:image"
    told = await world.database.fetchrow("SELECT kind, element_id FROM events")
    assert tuple(told) == ("element.deployed", element.id)


async def test_a_deploy_that_was_overtaken_by_an_update_deploys_nothing(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.do("update", element, name="Newer")
    assert not await world.deploy(element)
    now = await world.cache.by_slug(circle.id, "greet")
    assert (now.state, await world.deployments.of(now)) == (State.ready, None)
    assert await world.database.fetchval("SELECT count(*) FROM events") == 0


async def test_deploying_again_replaces_the_pin(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.deploy(element)
    await world.deploy(element, image="sha256:newer")
    assert (await world.deployments.of(element)).runtime_image == "sha256:newer"


async def test_a_disabled_element_stays_disabled_when_its_deploy_ends(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.do("disable", element)
    assert await world.deploy(element)
    now = await world.cache.by_slug(circle.id, "greet")
    assert (now.state, now.enabled_state) == (State.disabled, State.deployed)


async def test_the_pin_holds_until_the_source_changes(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.deploy(element)
    await world.do("update", element, spec={"memory_mb": 256})
    now = await world.cache.by_slug(circle.id, "greet")
    assert (now.state, now.version, now.deployed_version) == (State.deployed, 2, 2)
    assert now.runtime_image == "sha256:image"
    await world.do("update", now, spec={"source": {"code": "def handler(input)\n  1\nend\n"}})
    assert (await world.cache.by_slug(circle.id, "greet")).runtime_image is None


async def test_a_version_from_before_an_update_keeps_its_pin(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.deploy(element)
    await world.do("update", element, spec={"source": {"code": "def handler(input)\n  1\nend\n"}})
    first = await world.cache.at_version(circle.id, element.id, 1)
    assert first.runtime_image == "sha256:image"
