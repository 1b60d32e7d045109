"""A circle moves with what connects its elements: members and attachments."""

import json
from typing import Any

import pytest

from tests.acceptance.client import Circle, Element, refused
from tests.acceptance.conftest import Circles
from tests.acceptance.test_bundles import brought, counts, exported, imported

Json = dict[str, Any]


async def connected(circle: Circle) -> Json:
    """A project whose slug comes before its members', one inside another, with variables at three heights."""
    await circle.ruby("def handler(input)\n  [ENV['RATE'], ENV['Z_PLACE']]\nend\n", slug="total")
    await circle.project("inner", "total")
    project = await circle.project("a-shop", "inner", "total")
    rate, place = await circle.variable("rate", "7"), await circle.variable("z-place", "here")
    await rate.attach(project, priority=3)
    await rate.attach(Element(circle, "total"), cascade_policy="none", version_pin=1)
    await place.attach(circle, priority=900)
    envelope: Json = json.loads(await exported(circle))
    return envelope


def data(envelope: Json) -> bytes:
    return json.dumps(envelope).encode()


async def test_an_envelope_names_its_attachments_by_slug(circle: Circle) -> None:
    envelope = await connected(circle)
    assert envelope["version"] == 2
    assert envelope["attachments"] == [
        {"source": "z-place", "target": None, "priority": 900, "cascade_policy": "members", "version_pin": None},
        {"source": "rate", "target": "a-shop", "priority": 3, "cascade_policy": "members", "version_pin": None},
        {"source": "rate", "target": "total", "priority": 100, "cascade_policy": "none", "version_pin": 1},
    ]


async def test_a_connected_circle_comes_up_whole_in_another(circle: Circle, new_circle: Circles) -> None:
    envelope, other = await connected(circle), await new_circle()
    told = await imported(other, data(envelope))
    assert (counts(told), told["attached"]) == ((5, 0, 0), 3)
    project = (await Element(other, "a-shop").get()).json()
    assert project["spec"]["members"] == ["inner", "total"]
    assert (await Element(other, "a-shop/total").invoke({})).json() == ["7", "here"]
    again = json.loads(await exported(other))
    assert again["attachments"] == envelope["attachments"]


async def test_what_a_spec_refers_to_is_made_first_whatever_the_order(circle: Circle, new_circle: Circles) -> None:
    envelope = await connected(circle)
    for turned in (envelope["elements"], envelope["elements"][::-1]):
        other = await new_circle()
        assert counts(await imported(other, data({**envelope, "elements": turned}))) == (5, 0, 0)


async def test_projects_that_hold_each_other_fail_each_for_itself(circle: Circle, new_circle: Circles) -> None:
    await circle.project("one")
    await circle.project("two", "one")
    envelope = json.loads(await exported(circle))
    await Element(circle, "two").patch({"spec": {"members": []}})
    await Element(circle, "one").patch({"spec": {"members": ["two"]}})
    turned = json.loads(await exported(circle))
    bundles = {"one": turned["elements"][0], "two": envelope["elements"][1]}
    told = await imported(await new_circle(), data({**envelope, "elements": list(bundles.values())}))
    assert counts(told) == (0, 0, 2)
    assert {each["code"] for each in told["errors"]} == {"INVALID_SPEC"}


async def test_an_envelope_of_the_first_version_still_comes_in(circle: Circle, new_circle: Circles) -> None:
    envelope = await connected(circle)
    envelope["version"] = 1
    del envelope["attachments"]
    told = await imported(await new_circle(), data(envelope))
    assert (counts(told), told["attached"]) == ((5, 0, 0), 0)


async def test_an_attachment_that_cannot_be_is_told_and_the_others_are_made(
    circle: Circle, new_circle: Circles
) -> None:
    envelope, other = await connected(circle), await new_circle()
    terms = {"priority": 1, "cascade_policy": "none", "version_pin": None}
    envelope["attachments"] += [
        {"source": "rate", "target": "nowhere", **terms},
        {"source": "nobody", "target": "total", **terms},
        {"source": "total", "target": "a-shop", **terms},
        {"source": "rate", "target": "inner", **terms, "version_pin": 9},
    ]
    told = await imported(other, data(envelope))
    assert (counts(told), told["attached"]) == ((5, 0, 4), 3)
    assert [(each["slug"], each["code"]) for each in told["errors"]] == [
        ("rate", "NOT_FOUND"), ("nobody", "NOT_FOUND"), ("total", "NOT_ATTACHABLE"), ("rate", "NOT_ATTACHABLE"),
    ]  # fmt: skip
    assert "no version 9" in told["errors"][3]["message"]


async def test_what_was_skipped_keeps_its_attachments_unless_it_may_be_overwritten(
    circle: Circle, new_circle: Circles
) -> None:
    envelope, other = await connected(circle), await new_circle()
    await other.ruby(slug="total")
    await other.variable("z-place", "there")
    told = await imported(other, data(envelope))
    assert (counts(told), told["attached"]) == ((3, 2, 0), 1)
    assert (await Element(other, "total").get("/ops/attachments")).json()["attachments"] == []
    assert (await other.get("/ops/attachments")).json()["attachments"] == []
    told = await imported(other, data(envelope), overwrite=True)
    assert (counts(told), told["attached"]) == ((5, 0, 0), 3)
    assert (await Element(other, "a-shop/total").invoke({})).json() == ["7", "here"]


@pytest.mark.parametrize(
    "attachment",
    [
        7,
        {"source": "rate"},
        {"source": "rate", "target": 7, "priority": 1, "cascade_policy": "none", "version_pin": None},
        {"source": "rate", "target": None, "priority": 1001, "cascade_policy": "none", "version_pin": None},
        {"source": "rate", "target": None, "priority": 1, "cascade_policy": "all", "version_pin": None},
        {"source": "rate", "target": None, "priority": 1, "cascade_policy": "none", "version_pin": 0},
    ],
)
async def test_an_attachment_that_cannot_be_read_refuses_the_envelope(circle: Circle, attachment: Any) -> None:
    envelope = {"format": "triform-circle", "version": 2, "elements": [], "attachments": [attachment]}
    refused(await brought(circle, data(envelope)), 422, "BUNDLE_REFUSED")


async def test_an_envelope_with_more_attachments_than_anybody_has_is_refused(circle: Circle) -> None:
    attachment = {"source": "a", "target": "b", "priority": 1, "cascade_policy": "none", "version_pin": None}
    envelope = {"format": "triform-circle", "version": 2, "elements": [], "attachments": [attachment] * 10_001}
    refused(await brought(circle, data(envelope)), 422, "BUNDLE_REFUSED")
