"""Updating elements."""

import asyncio
from typing import Any

import pytest

from triform.circles.model import Circle
from triform.elements.errors import InvalidSpec, VersionMismatch
from triform.elements.source_check import SourceVerdict
from triform.errors import Complaint, Failure, FailureError, InvalidInput, NotFound

OTHER_CODE = "def handler(input)\n  1\nend\n"


async def test_an_update_changes_what_it_names_and_makes_a_version(world: Any, circle: Circle) -> None:
    element = await world.create(circle, intention="old")
    reply = await world.do("update", element, name="Hello", spec={"memory_mb": 256})
    assert (reply.value["version"], reply.value["name"], reply.value["intention"]) == (2, "Hello", "old")
    assert reply.value["spec"]["memory_mb"] == 256
    assert reply.value["spec"]["source"] == element.spec["source"]
    assert reply.headers["ETag"] == '"2"'
    assert [kind for kind, _ in reply.events] == ["element.updated"]


async def test_an_update_that_changes_nothing_still_makes_a_version(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    assert (await world.do("update", element, spec={})).value["version"] == 2
    assert (await world.do("update", element)).value["version"] == 3
    history = (await world.do("version", element, history=True)).value["versions"]
    assert [each["summary"] for each in history] == ["no change", "no change", "created"]
    assert len({each["spec_digest"] for each in history}) == 1


async def test_lists_are_replaced_and_null_brings_a_default_back(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.do("update", element, spec={"environment": {"A": "1", "B": "2"}, "memory_mb": 256})
    reply = await world.do("update", element, spec={"environment": {"A": None}, "memory_mb": None})
    assert reply.value["spec"]["environment"] == {"B": "2"}
    assert reply.value["spec"]["memory_mb"] == 128


async def test_not_deep_replaces_the_whole_spec(world: Any, circle: Circle) -> None:
    element = await world.create(circle, spec={"source": {"code": OTHER_CODE}, "memory_mb": 512})
    reply = await world.do("update", element, spec={"source": {"code": OTHER_CODE}}, deep=False)
    assert reply.value["spec"]["memory_mb"] == 128


async def test_a_version_keeps_what_the_element_was(world: Any, circle: Circle) -> None:
    element = await world.create(circle, name="First")
    await world.do("update", element, name="Second", spec={"memory_mb": 256})
    now = await world.cache.by_slug(circle.id, "greet")
    first = await world.cache.at_version(circle.id, element.id, 1)
    assert (first.name, first.version, first.spec["memory_mb"]) == ("First", 1, 128)
    assert (now.name, now.version) == ("Second", 2)
    assert await world.cache.at_version(circle.id, element.id, 3) is None


async def test_the_history_says_who_changed_what_newest_first_and_no_more_than_asked(
    world: Any, circle: Circle
) -> None:
    element = await world.create(circle)
    await world.do("update", element, name="Hello", spec={"memory_mb": 256})
    await world.do("update", element, intention="greets")
    reply = await world.do("version", element, history=True, limit=2)
    assert reply.value["version"] == 3
    assert [(each["version"], each["summary"]) for each in reply.value["versions"]] == [
        (3, "changed intention"),
        (2, "changed name, spec.memory_mb"),
    ]
    assert reply.value["versions"][0]["actor"] == {"kind": "user", "id": "ada"}
    assert (await world.do("version", element)).value == {"version": 3}


async def test_if_match_guards_against_overwriting_an_unseen_change(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.do("update", element, if_match=1, name="Mine")
    with pytest.raises(VersionMismatch) as refused:
        await world.do("update", element, if_match=1, name="Theirs")
    assert refused.value.facts["version"] == 2
    assert (await world.do("get", element)).value["name"] == "Mine"


async def test_no_update_is_lost_when_many_come_at_once(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await asyncio.gather(*(world.do("update", element, spec={"environment": {f"K{n}": str(n)}}) for n in range(8)))
    now = (await world.do("get", element)).value
    assert now["version"] == 9
    assert now["spec"]["environment"] == {f"K{n}": str(n) for n in range(8)}
    history = (await world.do("version", element, history=True)).value["versions"]
    assert [each["version"] for each in history] == list(range(9, 0, -1))


async def test_of_two_updates_of_the_same_version_one_is_told_the_other_was_faster(
    world: Any, circle: Circle
) -> None:
    element = await world.create(circle)
    outcomes = await asyncio.gather(
        *(world.do("update", element, if_match=1, name=f"N{n}") for n in range(2)), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in outcomes) == ["Reply", "VersionMismatch"]


async def test_a_merge_with_what_somebody_else_just_saved_is_checked_again(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    call = world.call(element, "update", {"spec": {"concurrency": {"reserved": 4}}})
    prepared = await world.prepare("update", call)
    await world.do("update", element, spec={"concurrency": {"max": 2}})
    async with world.database.transaction() as tx:
        with pytest.raises(InvalidSpec):
            await world.perform("update", call, tx, prepared)
    assert (await world.do("get", element)).value["version"] == 2


async def test_an_update_is_judged_by_what_the_element_is_not_by_what_was_remembered(
    world: Any, circle: Circle
) -> None:
    stale = await world.create(circle)
    other = "UPDATE elements SET spec = convert_to(replace(convert_from(spec, 'UTF8'), $1, $2), 'UTF8')"
    await world.database.execute(other, '"concurrency":{}', '"concurrency":{"max":2}')
    with pytest.raises(InvalidSpec):
        await world.do("update", stale, spec={"concurrency": {"reserved": 4}})
    await world.database.execute(other, '"max":2', '"max":8')
    await world.do("update", stale, spec={"concurrency": {"reserved": 4}})


@pytest.mark.parametrize("fixed", [{"slug": "other"}, {"element_type": "ruby"}, {"id": "x"}])
async def test_what_an_element_keeps_for_life_cannot_be_changed(
    world: Any, circle: Circle, fixed: dict[str, str]
) -> None:
    element = await world.create(circle)
    with pytest.raises(InvalidInput) as refused:
        await world.do("update", element, **fixed)
    assert refused.value.errors[0].pointer == f"/{next(iter(fixed))}"
    assert "cannot be changed" in refused.value.errors[0].message


@pytest.mark.parametrize(
    "given",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"intention": 5},
        {"spec": []},
        {"spec": {"x": "y" * (1 << 20)}},
        {"deep": "?", "spec": {}},
    ],
)
async def test_an_update_out_of_bounds_is_refused(world: Any, circle: Circle, given: dict[str, Any]) -> None:
    element = await world.create(circle)
    with pytest.raises(InvalidInput):
        await world.do("update", element, **given)


async def test_small_updates_cannot_grow_a_spec_beyond_its_bound(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.do("update", element, spec={"environment": {f"A{n}": "x" * 60_000 for n in range(10)}})
    element = await world.cache.by_slug(circle.id, "greet")
    with pytest.raises(InvalidInput) as refused:
        await world.do("update", element, spec={"environment": {f"B{n}": "x" * 60_000 for n in range(10)}})
    assert refused.value.errors[0].pointer == "/spec"


async def test_integers_of_any_size_stay_exact(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    big = 123456789012345678901234567890
    await world.do("update_meta", element, meta={"n": big, "text": "nul \0 inside"})
    assert (await world.do("get", element)).value["meta"] == {"n": big, "text": "nul \0 inside"}


async def test_code_is_read_again_only_when_source_or_handler_change(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    world.reader.asked.clear()
    await world.do("update", element, name="X", spec={"memory_mb": 256})
    assert world.reader.asked == []
    await world.do("update", element, spec={"handler": "other"})
    element = await world.cache.by_slug(circle.id, "greet")
    await world.do("update", element, spec={"source": {"code": OTHER_CODE}})
    assert len(world.reader.asked) == 2


async def test_code_that_was_read_before_the_transaction_is_not_read_again_within(
    world: Any, circle: Circle
) -> None:
    element = await world.create(circle)
    await world.do("update", element, spec={"memory_mb": 256})
    world.reader.asked.clear()
    world.reader.verdict = SourceVerdict(warnings=(Complaint("/handler", "not visible"),))
    reply = await world.do("update", element, spec={"source": {"code": OTHER_CODE}})
    assert len(world.reader.asked) == 1
    assert reply.value["spec"]["memory_mb"] == 256
    assert [each["pointer"] for each in reply.value["warnings"]] == ["/spec/handler"]


async def test_an_update_with_code_that_does_not_parse_changes_nothing(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    world.reader.verdict = SourceVerdict(
        errors=(Complaint("/source/code", "main.rb line 1: no"),),
        failure=Failure(code="RUBY_SYNTAX_ERROR", kind="validation", message="main.rb line 1: no"),
    )
    with pytest.raises(FailureError):
        await world.do("update", element, spec={"source": {"code": "def"}})
    assert (await world.do("get", element)).value["version"] == 1


async def test_new_source_sends_a_deployed_element_back_to_ready(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.deploy(element)
    assert (await world.do("update", element, spec={"memory_mb": 256})).value["state"] == "deployed"
    reply = await world.do("update", element, spec={"source": {"code": OTHER_CODE}})
    assert reply.value["state"] == "ready"


async def test_new_source_in_a_disabled_element_is_not_deployed_once_it_is_enabled(
    world: Any, circle: Circle
) -> None:
    element = await world.create(circle)
    await world.deploy(element)
    await world.do("disable", element)
    assert (await world.do("update", element, spec={"source": {"code": OTHER_CODE}})).value["state"] == "disabled"
    assert (await world.do("enable", element)).value["state"] == "ready"


async def test_a_deleted_element_cannot_be_updated(world: Any, circle: Circle) -> None:
    element = await world.create(circle)
    await world.do("delete", element, confirm=True)
    with pytest.raises(NotFound):
        await world.do("update", element, name="Ghost")
