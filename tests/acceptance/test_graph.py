"""How elements hang together: `tree`, `context`, `batch_stats`, `activity`, `intention` and `access`."""

from tests.acceptance.access import key
from tests.acceptance.client import FAIL, Circle, Element


async def shop(circle: Circle) -> dict[str, str]:
    """shop holds total and inner, inner holds tax; limit is attached to total. Ids by slug."""
    for slug in ("total", "tax"):
        await circle.ruby(slug=slug)
    await circle.project("inner", "tax")
    await circle.project("shop", "total", "inner")
    await (await circle.variable("limit", 1)).attach(Element(circle, "total"))
    listed = (await circle.get("/ops/children")).json()["children"]
    return {each["slug"]: each["id"] for each in listed}


def slugs(nodes: list[dict[str, str]]) -> list[str]:
    return [each["slug"] for each in nodes]


async def test_a_tree_shows_what_is_above_and_below(circle: Circle) -> None:
    await shop(circle)
    tree = (await circle.get("/shop/ops/tree", params={"include_metadata": "true"})).json()
    assert slugs(tree["ancestors"]) == [circle.name]
    assert (tree["children"], slugs(tree["members"])) == ([], ["total", "inner"])
    assert tree["members"][1]["members"][0]["slug"] == "tax"
    assert (tree["members"][0]["relation"], tree["members"][0]["state"]) == ("member", "ready")
    assert tree["stats"] == {
        "elements": 3, "children": 0, "members": 2, "referenced_by": 0, "attachments": 0,
        "by_type": {"project": 1, "ruby": 2},
    }  # fmt: skip
    total = (await circle.get("/total/ops/tree")).json()
    assert (slugs(total["referenced_by"]), total["attachments"][0]["source"]) == (["shop"], "limit")
    assert "state" not in total["element"]


async def test_a_tree_goes_no_deeper_than_asked(circle: Circle) -> None:
    await shop(circle)
    tree = (await circle.get("/shop/ops/tree", params={"depth": 1})).json()
    assert slugs(tree["members"]) == ["total", "inner"]
    assert "members" not in tree["members"][1]
    assert (await circle.get("/shop/ops/tree", params={"depth": 0})).json()["members"] == []
    assert (await circle.get("/shop/ops/tree", params={"depth": 11})).status_code == 422


async def test_the_circle_s_tree_has_everything(circle: Circle) -> None:
    await shop(circle)
    tree = (await circle.get("/ops/tree")).json()
    assert slugs(tree["children"]) == ["inner", "limit", "shop", "tax", "total"]
    assert tree["ancestors"] == []
    assert tree["element"]["path"] == f"/api/{circle.name}"


async def test_a_context_says_by_which_connection(circle: Circle) -> None:
    ids = await shop(circle)
    told = (await circle.get("/total/ops/context")).json()
    assert sorted(slugs(told["nodes"])) == sorted(["total", circle.name, "shop", "limit"])
    relations = {(each["relation"], each["to"]) for each in told["edges"]}
    assert {("referenced_by", ids["shop"]), ("attached_by", ids["limit"])} < relations
    assert {each["from"] for each in told["edges"]} == {ids["total"]}
    assert told["truncated"] is False


async def test_a_context_can_be_narrowed_and_deepened(circle: Circle) -> None:
    ids = await shop(circle)
    told = (await circle.get("/total/ops/context", params={"depth": 3, "types": "ruby"})).json()
    assert sorted(slugs(told["nodes"])) == ["tax", "total"]
    told = (await circle.get("/shop/ops/context", params={"depth": 2, "types": ["manifest", "actions"]})).json()
    assert {(each["from"], each["to"]) for each in told["edges"] if each["relation"] == "references"} == {
        (ids["shop"], ids["total"]), (ids["shop"], ids["inner"]), (ids["inner"], ids["tax"]),
    }  # fmt: skip


async def test_figures_of_all_members_and_together(circle: Circle) -> None:
    good, bad = await circle.ruby(slug="good"), await circle.ruby(FAIL, "bad", retry={"max_attempts": 1})
    project = await circle.project("shop", "good", "bad")
    for element in (good, good, bad):
        await element.invoke({})
    told = (await project.get("/ops/batch_stats")).json()
    assert [(each["slug"], each["runs"], each["success_rate"]) for each in told["children"]] == [
        ("good", 2, 1.0), ("bad", 1, 0.0),
    ]  # fmt: skip
    assert (told["aggregate"]["runs"], told["aggregate"]["cost_micro_au"]) == (3, 30_000)
    alone = (await good.get("/ops/batch_stats", params={"period": "hour"})).json()
    assert (alone["period"], alone["children"], alone["aggregate"]["runs"]) == ("hour", [], 0)
    whole = (await circle.get("/ops/batch_stats")).json()
    assert (len(whole["children"]), whole["aggregate"]["runs"]) == (3, 3)


async def test_activity_of_an_element_a_project_and_the_circle(circle: Circle) -> None:
    good = await circle.ruby(slug="good")
    await circle.ruby(slug="other")
    project = await circle.project("shop", "good")
    run = (await good.invoke({})).headers["Triform-Run-Id"]
    events = (await good.get("/ops/activity")).json()["events"]
    assert [each["kind"] for each in events] == ["run.completed", "run.started", "element.created"]
    assert (events[0]["run_id"], events[0]["actor"]["kind"]) == (run, "user")
    assert {each["element"] for each in (await project.get("/ops/activity")).json()["events"]} == {"good", "shop"}
    whole = (await circle.get("/ops/activity", params={"limit": 2, "offset": 1})).json()["events"]
    assert [each["kind"] for each in whole] == ["run.started", "element.created"]
    later = {"since": events[0]["at"]}
    assert [each["kind"] for each in (await good.get("/ops/activity", params=later)).json()["events"]] in (
        ["run.completed"], ["run.completed", "run.started"],
    )  # fmt: skip
    assert (await good.get("/ops/activity", params={"since": "yesterday"})).status_code == 422


async def test_intention_is_the_narrowest_that_says_anything(circle: Circle) -> None:
    code = await circle.ruby()
    told = (await code.get("/ops/intention")).json()
    assert (told["direct"], told["resolved"]) == (None, told["inherited"][0]["intention"])
    assert [(each["from"], each["name"]) for each in told["inherited"]] == [
        ("type", "ruby"), ("category", "actions"), ("root", "root"),
    ]  # fmt: skip
    await code.patch({"intention": "Adds up"})
    told = (await code.get("/ops/intention")).json()
    assert (told["direct"], told["resolved"]) == ("Adds up", "Adds up")


async def test_access_says_who_may_do_what_and_others_only_to_admins(circle: Circle) -> None:
    code = await circle.ruby()
    narrow = Circle(circle.http, circle.name, await key(circle, "operator", scopes=["invoke", "access"]))
    told = (await narrow.get(f"/{code.slug}/ops/access")).json()
    allowed = [each["operation"] for each in told["operations"] if each["allowed"]]
    assert (told["you"]["role"], told["you"]["scopes"]) == ("operator", ["access", "invoke"])
    assert sorted(allowed) == ["access", "invoke"]
    assert {each["operation"]: each["roles"] for each in told["operations"]}["deploy"] == ["member", "admin"]
    assert "members" not in told
    assert "keys" not in told
    whole = (await code.get("/ops/access")).json()
    assert [(each["role"], each["scopes"]) for each in whole["keys"]] == [("operator", ["access", "invoke"])]
    assert [each["role"] for each in whole["members"]] == ["admin"]
