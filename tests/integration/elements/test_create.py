"""Creating elements."""

import asyncio
from typing import Any

import pytest

from triform.circles.model import Circle
from triform.elements.errors import ChildrenNotAllowed, InvalidSpec, SlugTaken, UnknownElementType
from triform.elements.source_check import SourceVerdict
from triform.errors import Complaint, Failure, FailureError, InvalidInput

CODE = "def handler(input)\n  input\nend\n"
SPEC = {"source": {"code": CODE}}


async def create(world: Any, circle: Circle, **given: Any) -> Any:
    body = {"element_type": "ruby", "slug": "greet", "spec": SPEC, **given}
    return await world.do("create", await world.root(circle), **body)


async def test_a_new_element_answers_with_everything_the_contract_names(world: Any, circle: Circle) -> None:
    reply = await create(world, circle, intention="says hello", meta={"x": 1})
    assert list(reply.value) == [
        "id", "circle", "slug", "path", "element_type", "category", "form", "name", "intention", "state",
        "version", "spec", "meta", "warnings", "created_at", "updated_at",
    ]  # fmt: skip
    shown = {name: reply.value[name] for name in ("circle", "slug", "path", "state", "version", "name", "meta")}
    assert shown == {
        "circle": "acme", "slug": "greet", "path": "/api/acme/greet", "state": "ready", "version": 1,
        "name": "Greet", "meta": {"x": 1},
    }  # fmt: skip
    assert reply.value["spec"]["timeout_ms"] == 30000
    assert reply.headers == {"Location": "/api/acme/greet", "ETag": '"1"'}
    assert reply.value["created_at"].endswith("Z")


async def test_creating_tells_an_event_and_writes_the_first_version(world: Any, circle: Circle) -> None:
    reply = await create(world, circle)
    assert [(kind, data["slug"], data["id"]) for kind, data in reply.events] == [
        ("element.created", "greet", reply.value["id"])
    ]
    element = await world.cache.by_slug(circle.id, "greet")
    history = (await world.do("version", element, history=True)).value
    assert [(each["version"], each["summary"], each["commit"]) for each in history["versions"]] == [
        (1, "created", (await world.cache.by_slug(circle.id, "greet")).branches["draft"].commit)
    ]


async def test_a_taken_slug_is_refused_and_leaves_the_transaction_usable(world: Any, circle: Circle) -> None:
    await create(world, circle)
    call = world.call(await world.root(circle), "create", {"element_type": "ruby", "slug": "greet", "spec": SPEC})
    prepared = await world.prepare("create", call)
    async with world.database.transaction() as tx:
        with pytest.raises(SlugTaken):
            await world.perform("create", call, tx, prepared)
        assert await tx.fetchval("SELECT count(*) FROM elements WHERE slug = 'greet'") == 1


async def test_of_many_who_create_the_same_slug_at_once_exactly_one_succeeds(world: Any, circle: Circle) -> None:
    outcomes = await asyncio.gather(*(create(world, circle) for _ in range(8)), return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, SlugTaken)]
    assert len(refused) == 7
    assert await world.database.fetchval("SELECT count(*) FROM elements WHERE slug = 'greet'") == 1


async def test_two_circles_may_use_the_same_slug(world: Any, circle: Circle) -> None:
    other = await world.new_circle("other")
    await create(world, circle)
    await create(world, other)
    assert (await world.cache.by_slug(other.id, "greet")).circle_id == other.id


async def test_an_element_may_be_called_like_its_circle(world: Any, circle: Circle) -> None:
    await create(world, circle, slug="acme")
    await world.root(circle)
    assert (await world.cache.by_slug(circle.id, "acme")).id != circle.id
    assert (await world.root(circle)).is_circle


@pytest.mark.parametrize("given", ["rubi", "Ruby", "python", "circle", 7, None, ""])
async def test_a_type_that_cannot_be_created_is_refused_with_what_can_be(
    world: Any, circle: Circle, given: Any
) -> None:
    with pytest.raises(UnknownElementType) as refused:
        await create(world, circle, element_type=given)
    assert refused.value.errors[0].pointer == "/element_type"
    assert refused.value.suggestion is not None
    assert "ruby" in refused.value.suggestion.fix


@pytest.mark.parametrize(
    "slug",
    ["Greet", "greet\n", "gr%65et", "gréet", "1st", "-a", "a/b", "", "a" * 64, "ops", "events", "mcp", None, 5],
)
async def test_a_slug_outside_the_rule_is_refused(world: Any, circle: Circle, slug: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        await create(world, circle, slug=slug)
    assert [each.pointer for each in refused.value.errors] == ["/slug"]


async def test_all_complaints_about_a_body_come_at_once(world: Any, circle: Circle) -> None:
    with pytest.raises(InvalidInput) as refused:
        await create(world, circle, slug="A", name="x" * 201, intention="a\0b", meta={"m": "x" * 70_000})
    assert [each.pointer for each in refused.value.errors] == ["/slug", "/name", "/intention", "/meta"]


async def test_a_spec_against_the_rules_is_refused_with_pointers_and_the_rules_suggestion(
    world: Any, circle: Circle
) -> None:
    with pytest.raises(InvalidSpec) as refused:
        await create(world, circle, spec={"code": CODE})
    assert "/spec/code" in [each.pointer for each in refused.value.errors]
    assert refused.value.suggestion is not None
    assert refused.value.suggestion.patch is not None


async def test_a_rule_that_only_warns_does_not_stop_the_save(world: Any, circle: Circle) -> None:
    reply = await create(world, circle, spec={**SPEC, "memory_mb": 4000})
    assert [each["pointer"] for each in reply.value["warnings"]] == ["/spec/memory_mb"]


async def test_code_that_does_not_parse_is_refused_with_the_types_own_error(world: Any, circle: Circle) -> None:
    declared = world.catalogue.type("ruby").error_for("syntax_error")
    world.reader.verdict = SourceVerdict(
        errors=(Complaint("/source/code", "main.rb line 3: unexpected end"),),
        failure=declared.failure("main.rb line 3: unexpected end"),
    )
    with pytest.raises(FailureError) as refused:
        await create(world, circle)
    failure: Failure = refused.value.failure()
    assert failure.code == "RUBY_SYNTAX_ERROR"
    assert "main.rb line 3" in failure.message
    assert failure.errors == (Complaint("/spec/source/code", "main.rb line 3: unexpected end"),)
    assert await world.database.fetchval("SELECT count(*) FROM elements WHERE slug = 'greet'") == 0


async def test_a_handler_that_cannot_be_seen_is_a_warning(world: Any, circle: Circle) -> None:
    world.reader.verdict = SourceVerdict(warnings=(Complaint("/handler", "no method of this name is visible"),))
    reply = await create(world, circle)
    assert [each["pointer"] for each in reply.value["warnings"]] == ["/spec/handler"]


async def test_an_atom_contains_no_elements(world: Any, circle: Circle) -> None:
    atom = await world.create(circle)
    with pytest.raises(ChildrenNotAllowed):
        await world.do("create", atom, element_type="ruby", slug="inner", spec=SPEC)


async def test_slots_that_a_spec_reserves_are_known_to_the_scheduler(world: Any, circle: Circle) -> None:
    element = await world.create(circle, spec={**SPEC, "concurrency": {"reserved": 3, "max": 5}})
    reserved = "SELECT reserved_slots FROM elements WHERE id = $1"
    assert await world.database.fetchval(reserved, element.id) == 3
    await world.do("update", element, spec={"concurrency": {"reserved": None}})
    assert await world.database.fetchval(reserved, element.id) == 0
