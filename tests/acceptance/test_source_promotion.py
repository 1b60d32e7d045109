"""draft, demo, live: what was promoted there is what runs there."""

import pytest

from tests.acceptance.client import Circle, Element, refused, run_id_of
from tests.acceptance.conftest import StartServer, client_of, sign_in
from tests.acceptance.source import branches, deployed, promoted


def saying(text: str) -> str:
    return f"def handler(input)\n  '{text}'\nend\n"


async def said(element: Element, env: str | None = None) -> tuple[object, str, str]:
    """What a call answers, in which environment, at which version."""
    answer = await element.invoke({}, params={"env": env} if env else {})
    assert answer.status_code == 200, answer.text
    return answer.json(), answer.headers["Triform-Env"], answer.headers["Triform-Version"]


async def live(circle: Circle, text: str = "one") -> Element:
    """An element whose first version is live."""
    element = await deployed(await circle.ruby(saying(text)))
    await promoted(element, "demo", "live")
    return element


async def change(element: Element, text: str) -> Element:
    assert (await element.patch({"spec": {"source": {"code": saying(text)}}})).status_code == 200
    return element


async def test_calls_go_to_draft_until_something_is_live(circle: Circle) -> None:
    element = await circle.ruby(saying("one"))
    assert await said(element) == ("one", "draft", "1")
    await deployed(element)
    await promoted(element, "demo")
    assert await said(element) == ("one", "draft", "1")
    await promoted(element, "live")
    assert await said(element) == ("one", "live", "1")


async def test_what_is_live_stays_while_draft_goes_on(circle: Circle) -> None:
    element = await change(await live(circle), "two")
    assert await said(element) == ("one", "live", "1")
    assert await said(element, "draft") == ("two", "draft", "2")
    await deployed(element)
    await promoted(element, "demo")
    assert await said(element, "demo") == ("two", "demo", "2")
    assert await said(element, "live") == ("one", "live", "1")
    await promoted(element, "live")
    assert await said(element) == ("two", "live", "2")


async def test_a_run_remembers_environment_and_version(circle: Circle) -> None:
    element = await change(await live(circle), "two")
    run_id = run_id_of(await element.invoke({}))
    run = await element.run(run_id)
    assert (run["env"], run["element_version"]) == ("live", 1)
    later = await element.ended(await element.start({}, params={"env": "draft"}))
    assert (later["env"], later["element_version"], later["output"]) == ("draft", 2, "two")


async def test_an_accepted_run_keeps_the_version_it_was_accepted_for(circle: Circle) -> None:
    element = await live(circle)
    run_id = await element.start({})
    await deployed(await change(element, "two"))
    await promoted(element, "demo", "live")
    run = await element.ended(run_id)
    assert (run["output"], run["env"], run["element_version"]) == ("one", "live", 1)


async def test_each_environment_has_the_settings_of_its_version(circle: Circle) -> None:
    code = "def handler(input)\n  ENV.fetch('MODE')\nend\n"
    element = await deployed(await circle.ruby(code, environment={"MODE": "first"}))
    await promoted(element, "demo", "live")
    await element.patch({"spec": {"environment": {"MODE": "second"}}})
    assert (await said(element))[0] == "first"
    assert (await said(element, "draft"))[0] == "second"


async def test_an_environment_nothing_was_promoted_to_is_refused(circle: Circle) -> None:
    element = await circle.ruby()
    for env in ("demo", "live"):
        refused(await element.invoke({}, params={"env": env}), 409, "NOT_PROMOTED")
    refused(await element.invoke({}, params={"env": "prod"}), 422, "INVALID_INPUT")
    assert await element.runs() == []


async def test_a_version_that_was_not_deployed_cannot_be_promoted(circle: Circle) -> None:
    element = await live(circle)
    await change(element, "two")
    problem = refused(
        await element.post("/ops/source/promote", {"from": "draft", "to": "demo"}), 409, "DEPLOY_REQUIRED"
    )
    assert problem["_suggestion"]["op"] == "deploy"
    assert (await branches(element))["demo"]["version"] == 1


async def test_a_change_that_keeps_the_source_stays_deployed_and_can_be_promoted(circle: Circle) -> None:
    element = await live(circle)
    await element.patch({"spec": {"memory_mb": 256}})
    await promoted(element, "demo")
    assert (await branches(element))["demo"]["version"] == 2


@pytest.mark.parametrize(
    ("start", "end"), [("draft", "live"), ("demo", "demo"), ("live", "demo"), ("draft", "draft"), ("x", "demo")]
)
async def test_source_moves_one_step_forward_only(circle: Circle, start: str, end: str) -> None:
    element = await live(circle)
    refused(await element.post("/ops/source/promote", {"from": start, "to": end}), 422, "INVALID_INPUT")


async def test_demo_cannot_be_skipped(circle: Circle) -> None:
    element = await deployed(await circle.ruby())
    refused(await element.post("/ops/source/promote", {"from": "demo", "to": "live"}), 409, "NOT_PROMOTED")


async def test_going_live_needs_an_admin(circle: Circle) -> None:
    element = await deployed(await circle.ruby())
    made = await circle.post("/ops/tokens/create", {"name": "member", "role": "member"})
    member = Element(Circle(circle.http, circle.name, made.json()["token"]), element.slug)
    await promoted(member, "demo")
    refused(await member.post("/ops/source/promote", {"from": "demo", "to": "live"}), 403, "FORBIDDEN")
    assert (await branches(element))["live"]["version"] is None
    await promoted(element, "live")


async def test_what_breaks_a_rule_is_not_promoted(circle: Circle) -> None:
    element = await deployed(await circle.ruby("def handler(input)\n  'ghp_" + "a" * 36 + "'\nend\n"))
    problem = refused(
        await element.post("/ops/source/promote", {"from": "draft", "to": "demo"}), 422, "SOURCE_REFUSED"
    )
    assert "main.rb:2" in problem["errors"][0]["message"]
    assert (await branches(element))["demo"]["commit"] is None


async def test_a_disabled_element_runs_in_no_environment(circle: Circle) -> None:
    element = await live(circle)
    await element.post("/ops/disable", {})
    for env in ("draft", "live"):
        refused(await element.invoke({}, params={"env": env}), 409, "ELEMENT_DISABLED")
    await element.post("/ops/enable", {})
    assert (await said(element))[0] == "one"


async def test_promotions_survive_a_restart(start_server: StartServer) -> None:
    first = start_server()
    async with client_of(first) as http:
        circle = await sign_in(http)
        element = await change(await live(circle), "two")
        before = await branches(element)
    first.kill()
    async with client_of(start_server()) as http:
        again = Element(Circle(http, circle.name, circle.token), element.slug)
        assert await branches(again) == before
        assert await said(again) == ("one", "live", "1")
