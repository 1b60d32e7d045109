"""Projects: members, paths through them, and promotion as one."""

import asyncio

import pytest

from tests.acceptance.access import key
from tests.acceptance.client import Circle, Element, refused

SAYS = "def handler(input)\n  'first'\nend\n"


async def members(project: Element) -> list[str]:
    listed: list[str] = (await project.get()).json()["spec"]["members"]
    return listed


async def test_what_is_created_below_its_address_is_a_member(circle: Circle) -> None:
    shop = await circle.project("shop")
    body = {"element_type": "ruby", "slug": "total", "spec": {"source": {"code": SAYS}}}
    for path, slug in (("/shop/", "total"), ("/shop", "other"), ("/shop/ops/create", "third")):
        made = await circle.post(path, {**body, "slug": slug})
        assert made.status_code == 201, made.text
        assert made.headers["Location"] == f"/api/{circle.name}/{slug}"
    assert await members(shop) == ["total", "other", "third"]
    assert (await shop.get("/ops/version")).json() == {"version": 4}
    listed = (await circle.get("/ops/children")).json()["children"]
    assert sorted(each["slug"] for each in listed) == ["other", "shop", "third", "total"]


async def test_many_created_at_once_are_all_members(circle: Circle) -> None:
    shop = await circle.project("shop")
    bodies = [{"element_type": "variable", "slug": f"v{i}", "spec": {"value": i}} for i in range(12)]
    made = await asyncio.gather(*(circle.post("/shop/", body) for body in bodies))
    assert {each.status_code for each in made} == {201}
    assert sorted(await members(shop)) == sorted(body["slug"] for body in bodies)


async def test_nothing_is_left_of_an_element_its_project_has_no_room_for(circle: Circle) -> None:
    await circle.project("shop")
    body = {"element_type": "ruby", "slug": "total", "spec": {"source": {"code": "def handler("}}}
    refused(await circle.post("/shop/", body), 422, "RUBY_SYNTAX_ERROR")
    refused(await circle.get("/total"), 404, "NOT_FOUND")
    assert await members(Element(circle, "shop")) == []


async def test_members_are_reached_through_it_and_others_are_not(circle: Circle) -> None:
    await circle.ruby(SAYS, "total")
    await circle.ruby(SAYS, "stranger")
    await circle.project("shop", "total")
    await circle.project("group", "shop")
    for path in ("/total", "/shop/total", "/group/shop/total"):
        assert (await circle.post(f"{path}/ops/invoke", {})).json() == "first"
        assert (await circle.get(path)).json()["path"] == f"/api/{circle.name}/total"
    for path in (
        "/shop/stranger",
        "/group/total",
        "/total/shop",
        "/shop/group/total",
        "/absent/total",
        "/shop/shop",
    ):
        refused(await circle.post(f"{path}/ops/invoke", {}), 404, "NOT_FOUND")


async def test_a_former_member_is_not_reached_through_it(circle: Circle) -> None:
    await circle.ruby(SAYS, "total")
    shop = await circle.project("shop", "total")
    assert (await circle.post("/shop/total/ops/invoke", {})).status_code == 200
    await shop.patch({"spec": {"members": []}})
    refused(await circle.post("/shop/total/ops/invoke", {}), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("listed", "says"),
    [
        (["absent"], "there is no element 'absent'"),
        (["shop"], "holds this element itself"),
        (["group"], "holds this element itself"),
        (["total", "total"], "non-unique"),
        (["Not A Slug"], "slug"),
        ("total", "array"),
    ],
)
async def test_members_that_cannot_be_are_refused(circle: Circle, listed: object, says: str) -> None:
    await circle.ruby(SAYS, "total")
    shop = await circle.project("shop")
    await circle.project("group", "shop")
    problem = refused(await shop.patch({"spec": {"members": listed}}), 422, "INVALID_SPEC")
    assert says in problem["errors"][0]["message"], problem
    assert problem["errors"][0]["pointer"].startswith("/spec/members")
    assert (await shop.get()).json()["version"] == 1


async def test_two_that_take_each_other_in_at_once_do_not_end_in_a_circle(circle: Circle) -> None:
    one, two = await circle.project("one"), await circle.project("two")
    answers = await asyncio.gather(
        one.patch({"spec": {"members": ["two"]}}), two.patch({"spec": {"members": ["one"]}})
    )
    assert sorted(each.status_code for each in answers) == [200, 422]


async def test_the_eleventh_level_is_refused(circle: Circle) -> None:
    await circle.project("level-0")
    for depth in range(1, 11):
        await circle.project(f"level-{depth}", f"level-{depth - 1}")
    answer = await circle.create("level-11", {"members": ["level-10"]}, element_type="project")
    assert "more than 10 levels" in refused(answer, 422, "INVALID_SPEC")["detail"]
    deepest = "/".join(f"level-{depth}" for depth in range(10, -1, -1))
    assert (await circle.get(f"/{deepest}")).status_code == 200


async def test_members_and_projects_with_members_are_not_deleted(circle: Circle) -> None:
    total, shop = await circle.ruby(SAYS, "total"), await circle.project("shop", "total")
    problem = refused(await total.request("DELETE", params={"confirm": "true"}), 409, "ELEMENT_IN_USE")
    assert problem["in_use_by"] == [{"kind": "member of", "name": "shop"}]
    problem = refused(await shop.request("DELETE", params={"confirm": "true"}), 409, "ELEMENT_IN_USE")
    assert problem["in_use_by"] == [{"kind": "member", "name": "total"}]
    await shop.patch({"spec": {"members": []}})
    for element in (total, shop):
        assert (await element.request("DELETE", params={"confirm": "true"})).status_code == 200


async def test_promotion_freezes_the_versions_of_its_members(circle: Circle) -> None:
    total = await circle.ruby(SAYS, "total")
    await total.post("/ops/deploy")
    shop = await circle.project("shop", "total")
    told = (await shop.post("/ops/promote", {"environment": "demo"})).json()
    assert told["version"] == 2
    assert told["spec"]["environments"]["demo"]["members"] == {"total": 1}
    await total.patch({"spec": {"source": {"code": SAYS.replace("first", "second")}}})
    told = (await shop.post("/ops/promote", {"environment": "live"})).json()
    assert told["spec"]["environments"]["live"]["members"] == {"total": 1}


async def test_it_is_promoted_one_step_at_a_time_and_deployed_first(circle: Circle) -> None:
    total = await circle.ruby(SAYS, "total")
    shop = await circle.project("shop")
    refused(await shop.post("/ops/promote", {"environment": "demo"}), 409, "NOT_PROMOTABLE")
    refused(await total.post("/ops/promote", {"environment": "demo"}), 409, "NOT_PROMOTABLE")
    await shop.patch({"spec": {"members": ["total"]}})
    refused(await shop.post("/ops/promote", {"environment": "live"}), 409, "NOT_PROMOTED")
    problem = refused(await shop.post("/ops/promote", {"environment": "demo"}), 409, "DEPLOY_REQUIRED")
    assert "total (version 1)" in problem["detail"]
    assert (await shop.get()).json()["version"] == 2


async def test_live_is_for_admins(circle: Circle) -> None:
    shop = await circle.project("shop", (await circle.variable("limit", 1)).slug)
    member = Circle(circle.http, circle.name, await key(circle, "member"))
    assert (await member.post("/shop/ops/promote", {"environment": "demo"})).status_code == 200
    refused(await member.post("/shop/ops/promote", {"environment": "live"}), 403, "FORBIDDEN")
    operator = Circle(circle.http, circle.name, await key(circle, "operator"))
    refused(await operator.post("/shop/ops/promote", {"environment": "demo"}), 403, "FORBIDDEN")
    assert (await shop.post("/ops/promote", {"environment": "live"})).status_code == 200


async def test_what_was_promoted_is_not_forged_by_an_update(circle: Circle) -> None:
    shop = await circle.project("shop", (await circle.variable("limit", 1)).slug)
    promoted = (await shop.post("/ops/promote", {"environment": "demo"})).json()["spec"]["environments"]
    forged = {"live": {**promoted["demo"], "members": {"limit": 9}}}
    for body in (
        {"spec": {"environments": forged}},
        {"spec": {"environments": None}},
        {"spec": {"members": ["limit"], "environments": forged}, "deep": False},
        {"spec": {"members": ["limit"]}, "deep": False},
    ):
        told = (await shop.patch(body)).json()
        assert told["spec"]["environments"] == promoted
    assert [
        each["pointer"] for each in (await shop.patch({"spec": {"environments": forged}})).json()["warnings"]
    ] == ["/spec/environments"]
    restored = (await shop.post("/ops/restore", {"version": 1})).json()
    assert restored["spec"]["environments"] == promoted
    made = await circle.create("copy", {"environments": forged}, element_type="project")
    assert made.json()["spec"]["environments"] == {}


async def frozen_shop(circle: Circle) -> tuple[Element, Element]:
    """`total` says second, and third on its own live; the project froze first for demo, second for live."""
    total = await circle.ruby(SAYS, "total")
    shop = await circle.project("shop", "total")
    for env, following in (("demo", "second"), ("live", "")):
        await total.post("/ops/deploy")
        assert (await shop.post("/ops/promote", {"environment": "demo"})).status_code == 200
        if env == "live":
            assert (await shop.post("/ops/promote", {"environment": "live"})).status_code == 200
        await total.patch({"spec": {"source": {"code": SAYS.replace("first", following or "third")}}})
    return total, shop


async def said(circle: Circle, path: str, env: str | None = None) -> tuple[str, str, str]:
    answer = await circle.post(f"{path}/ops/invoke", {}, params={"env": env} if env else {})
    assert answer.status_code == 200, answer.text
    return answer.json(), answer.headers["Triform-Env"], answer.headers["Triform-Version"]


async def test_through_its_path_the_frozen_version_runs(circle: Circle) -> None:
    _, shop = await frozen_shop(circle)
    assert await said(circle, "/shop/total") == ("second", "live", "2")
    assert await said(circle, "/shop/total", "live") == ("second", "live", "2")
    assert await said(circle, "/shop/total", "draft") == ("third", "draft", "3")
    assert await said(circle, "/total") == ("third", "draft", "3")
    refused(await circle.post("/total/ops/invoke", {}, params={"env": "live"}), 409, "NOT_PROMOTED")
    await shop.patch({"spec": {"members": []}})
    refused(await circle.post("/shop/total/ops/invoke", {}), 404, "NOT_FOUND")


async def test_an_asynchronous_run_keeps_to_the_frozen_version(circle: Circle) -> None:
    total, _ = await frozen_shop(circle)
    answer = await circle.post("/shop/total/ops/invoke", {}, headers={"Prefer": "respond-async"})
    run = await total.ended(answer.json()["run_id"])
    assert (run["output"], run["env"], run["element_version"]) == ("second", "live", 2)


async def test_the_innermost_project_that_promoted_it_decides(circle: Circle) -> None:
    total, shop = await frozen_shop(circle)
    group = await circle.project("group", "shop")
    assert await said(circle, "/group/shop/total") == ("second", "live", "2")
    await total.post("/ops/deploy")
    assert (await group.post("/ops/promote", {"environment": "demo"})).status_code == 200
    assert (await group.post("/ops/promote", {"environment": "live"})).status_code == 200
    assert await said(circle, "/group/shop/total") == ("second", "live", "2")
    await shop.patch({"spec": {"members": ["total"]}})
    assert (await shop.post("/ops/promote", {"environment": "demo"})).status_code == 200
    assert await said(circle, "/group/shop/total", "demo") == ("third", "demo", "3")


async def test_a_new_promotion_holds_from_the_next_call_on(circle: Circle) -> None:
    total, shop = await frozen_shop(circle)
    await total.post("/ops/deploy")
    for environment in ("demo", "live"):
        assert (await shop.post("/ops/promote", {"environment": environment})).status_code == 200
    assert await said(circle, "/shop/total") == ("third", "live", "3")
