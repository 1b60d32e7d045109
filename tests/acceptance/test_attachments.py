"""What may be attached to what, by whom, all or nothing."""

import asyncio

import pytest

from tests.acceptance.access import key
from tests.acceptance.client import Circle, Element, refused

NOBODY = "01980000-0000-7000-8000-000000000000"


def asked(circle: Circle, token: str) -> Circle:
    return Circle(circle.http, circle.name, token)


async def listed(element: Element, path: str = "attachments") -> list[tuple[str, str, int]]:
    told = (await element.get(f"/ops/{path}")).json()["attachments"]
    return [(each["source"], each["target"], each["priority"]) for each in told]


async def test_an_attachment_is_seen_from_both_ends(circle: Circle) -> None:
    code, variable = await circle.ruby(slug="code"), await circle.variable("limit", 1)
    made = await variable.attach(code, priority=7, cascade_policy="none", version_pin=1)
    assert (made["priority"], made["cascade_policy"], made["version_pin"]) == (7, "none", 1)
    assert (made["source"], made["target"], made["is_modifier"]) == ("limit", "code", True)
    assert await listed(code) == await listed(variable, "targets") == [("limit", "code", 7)]
    modifiers = (await code.get("/ops/attached")).json()["modifiers"]
    assert [(each["element"]["slug"], each["attachment_id"]) for each in modifiers] == [
        ("limit", made["attachment_id"])
    ]


async def test_attaching_again_changes_the_terms_and_keeps_the_id(circle: Circle) -> None:
    code, variable = await circle.ruby(), await circle.variable("limit", 1)
    first = await variable.attach(code)
    second = await variable.attach(code, priority=1, cascade_policy="none")
    assert first["attachment_id"] == second["attachment_id"]
    assert (second["priority"], second["cascade_policy"]) == (1, "none")
    assert len(await listed(code)) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/target_id"),
        ({"target_id": "x"}, "/target_id"),
        ({"target_id": NOBODY, "priority": -1}, "/priority"),
        ({"target_id": NOBODY, "priority": "first"}, "/priority"),
        ({"target_id": NOBODY, "cascade_policy": "all"}, "/cascade_policy"),
        ({"target_id": NOBODY, "version_pin": 0}, "/version_pin"),
        ({"target_id": NOBODY, "surplus": 1}, "/surplus"),
    ],
)
async def test_what_cannot_be_read_is_refused(circle: Circle, body: dict[str, object], pointer: str) -> None:
    variable = await circle.variable("limit", 1)
    problem = refused(await variable.post("/ops/attach", body), 422, "INVALID_INPUT")
    assert [each["pointer"] for each in problem["errors"]] == [pointer]


async def test_a_version_that_never_was_is_not_pinned(circle: Circle) -> None:
    code, variable = await circle.ruby(), await circle.variable("limit", 1)
    body = {"target_id": await code.id(), "version_pin": 2}
    problem = refused(await variable.post("/ops/attach", body), 409, "NOT_ATTACHABLE")
    assert "newest is 1" in problem["detail"]


async def test_only_what_the_target_takes_is_attached(circle: Circle) -> None:
    code, other, variable = await circle.ruby(), await circle.ruby(), await circle.variable("limit", 1)
    problem = refused(await code.post("/ops/attach", {"target_id": await other.id()}), 409, "NOT_ATTACHABLE")
    assert "they take variable" in problem["detail"]
    refused(await variable.post("/ops/attach", {"target_id": await variable.id()}), 409, "NOT_ATTACHABLE")
    refused(await variable.post("/ops/attach", {"target_id": NOBODY}), 404, "NOT_FOUND")
    refused(await variable.post("/ops/detach", {"target_id": await code.id()}), 404, "NOT_FOUND")


@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_whoever_cannot_write_changes_nothing(circle: Circle, role: str) -> None:
    code, variable = await circle.ruby(slug="code"), await circle.variable("limit", 1)
    made = await variable.attach(code)
    weak = asked(circle, await key(circle, role))
    target = {"target_id": made["target_id"]}
    for slug, path, body in (
        ("limit", "attach", target),
        ("limit", "detach", target),
        ("code", "compose", {"remove": [{"attachment_id": made["attachment_id"]}]}),
        ("code", "compose", {"add": [{"ref": "limit"}]}),
        ("code", "remove-modifier", {"attachment_id": made["attachment_id"]}),
    ):
        refused(await weak.post(f"/{slug}/ops/{path}", body), 403, "FORBIDDEN")
    assert await listed(code) == [("limit", "code", 100)]


async def test_a_key_for_one_operation_does_not_open_the_others(circle: Circle) -> None:
    code, variable = await circle.ruby(slug="code"), await circle.variable("limit", 1)
    narrow = asked(circle, await key(circle, "member", scopes=["attach"]))
    target = {"target_id": await code.id()}
    assert (await narrow.post("/limit/ops/attach", target)).status_code == 200
    refused(await narrow.post("/limit/ops/detach", target), 403, "FORBIDDEN")
    assert await listed(variable, "targets") == [("limit", "code", 100)]


async def test_compose_adds_and_removes_at_once(circle: Circle) -> None:
    code = await circle.ruby(slug="code")
    old = await (await circle.variable("old", 1)).attach(code)
    await circle.variable("new", 1)
    await circle.variable("other", 1)
    await (Element(circle, "other")).patch({"spec": {"value": 2}})
    await circle.project("shop", "other")
    told = (
        await code.post(
            "/ops/compose",
            {
                "add": [{"ref": "new", "priority": 5}, {"ref": "shop/other@v1", "cascade_policy": "none"}],
                "remove": [{"attachment_id": old["attachment_id"]}],
            },
        )
    ).json()
    assert [(each["source"], each["version_pin"]) for each in told["added"]] == [("new", None), ("other", 1)]
    assert [each["source"] for each in told["removed"]] == ["old"]
    assert await listed(code) == [("new", "code", 5), ("other", "code", 100)]


async def test_compose_refuses_all_for_one_and_says_each(circle: Circle) -> None:
    code = await circle.ruby(slug="code")
    kept = await (await circle.variable("kept", 1)).attach(code)
    await circle.variable("fine", 1)
    await circle.project("shop")
    body = {
        "add": [
            {"ref": "fine"}, {"ref": "absent"}, {"ref": "fine"}, {"ref": "kept@v9"}, {"ref": "shop"},
            {"ref": "shop/fine"},
        ],
        "remove": [{"attachment_id": kept["attachment_id"]}, {"attachment_id": NOBODY}],
    }  # fmt: skip
    problem = refused(await code.post("/ops/compose", body), 409, "NOT_ATTACHABLE")
    assert [each["pointer"] for each in problem["errors"]] == [
        "/add/1/ref", "/add/2/ref", "/add/3/ref", "/add/4/ref", "/add/5/ref",
        "/remove/1/attachment_id",
    ]  # fmt: skip
    assert await listed(code) == [("kept", "code", 100)]


@pytest.mark.parametrize("ref", ["No Slug", "fine@v0", "fine@", "a//b", "/a", 7, None])
async def test_what_is_no_reference_is_refused(circle: Circle, ref: object) -> None:
    code = await circle.ruby()
    problem = refused(await code.post("/ops/compose", {"add": [{"ref": ref}]}), 422, "INVALID_INPUT")
    assert [each["pointer"] for each in problem["errors"]] == ["/add/0/ref"]


async def test_compose_of_nothing_changes_nothing(circle: Circle) -> None:
    code = await circle.ruby()
    assert (await code.post("/ops/compose", {})).json() == {"added": [], "removed": []}
    assert (await code.post("/ops/compose", {"add": [], "remove": []})).json() == {"added": [], "removed": []}


async def test_remove_modifier_is_by_id_on_the_target_alone(circle: Circle) -> None:
    code, other = await circle.ruby(), await circle.ruby()
    made = await (await circle.variable("limit", 1)).attach(code)
    body = {"attachment_id": made["attachment_id"]}
    refused(await other.post("/ops/remove-modifier", body), 404, "NOT_FOUND")
    assert (await code.post("/ops/remove-modifier", body)).json()["attachment_id"] == made["attachment_id"]
    refused(await code.post("/ops/remove-modifier", body), 404, "NOT_FOUND")
    assert await listed(code) == []


async def test_more_than_a_hundred_are_too_many(circle: Circle) -> None:
    code = await circle.ruby()
    slugs = [f"v{index}" for index in range(101)]
    await asyncio.gather(*(circle.variable(slug, 1) for slug in slugs))
    first = await code.post("/ops/compose", {"add": [{"ref": slug} for slug in slugs[:100]]})
    assert len(first.json()["added"]) == 100, first.text
    refused(await code.post("/ops/compose", {"add": [{"ref": slugs[100]}]}), 409, "TOO_MANY_ATTACHMENTS")
    swap = {"add": [{"ref": slugs[100]}], "remove": [{"attachment_id": first.json()["added"][0]["attachment_id"]}]}
    assert (await code.post("/ops/compose", swap)).status_code == 200
    assert len(await listed(code)) == 100


async def test_what_is_attached_is_not_deleted(circle: Circle) -> None:
    code, variable = await circle.ruby(slug="code"), await circle.variable("limit", 1)
    await variable.attach(code)
    for element in (variable, code):
        problem = refused(await element.request("DELETE", params={"confirm": "true"}), 409, "ELEMENT_IN_USE")
        assert problem["in_use_by"] == [{"kind": "attachment", "name": "limit on code"}]
    await variable.post("/ops/detach", {"target_id": await code.id()})
    for element in (variable, code):
        assert (await element.request("DELETE", params={"confirm": "true"})).status_code == 200


async def test_attaching_and_deleting_at_once_never_leaves_half_of_it(circle: Circle) -> None:
    for round_ in range(8):
        code, variable = await circle.ruby(slug=f"code-{round_}"), await circle.variable(f"limit-{round_}", 1)
        target = {"target_id": await code.id()}
        attached, deleted = await asyncio.gather(
            variable.post("/ops/attach", target),
            (code if round_ % 2 else variable).request("DELETE", params={"confirm": "true"}),
        )
        assert sorted((attached.status_code, deleted.status_code)) in ([200, 404], [200, 409]), attached.text
        tree = (await circle.get("/ops/tree")).json()
        assert tree["stats"]["elements"] == len(tree["children"])


async def test_it_is_told_as_an_event_of_the_target(circle: Circle) -> None:
    code, variable = await circle.ruby(slug="code"), await circle.variable("limit", 1)
    await variable.attach(code)
    await variable.post("/ops/detach", {"target_id": await code.id()})
    events = (await code.get("/ops/activity")).json()["events"]
    assert [each["kind"] for each in events] == ["element.detached", "element.attached", "element.created"]
    assert events[1]["data"]["attachment"]["source"] == "limit"
