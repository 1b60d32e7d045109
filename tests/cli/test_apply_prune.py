"""What a form does not name any more goes only when that is asked for, and only out of its project."""

from typing import Any

from tests.cli.forms import SHOP, Bench, actions

LEAN = """
project: shop
elements:
- element_type: ruby
  slug: total
  spec: {source: {code: "def handler(input) = ENV['RATE']"}}
"""


def test_without_being_asked_nothing_goes(bench: Bench) -> None:
    bench.applied(SHOP)
    ended = bench.apply(LEAN)
    assert ended.code == 0
    assert "not in the form, and left as they are: rate (--prune deletes them)" in ended.out
    assert bench.slugs() == ["rate", "shop", "total"]
    assert bench.http("GET", "/shop")["spec"]["members"] == ["total", "rate"]
    assert bench.http("POST", "/shop/total/ops/invoke", {}) == "7"


def test_pruned_members_are_detached_taken_out_and_deleted(bench: Bench) -> None:
    bench.applied(SHOP + "- {source: rate, target: circle}\n")
    told = bench.applied(LEAN, "--prune")
    assert actions(told) == [("update", "total"), ("update", "shop"), ("delete", "rate")]
    assert actions(told, "attachments") == [("detach", "rate"), ("detach", "rate")]
    assert told["outcome"][-1] == {"action": "delete", "slug": "rate"}
    assert bench.slugs() == ["shop", "total"]
    shop = bench.http("GET", "/shop")
    assert (shop["spec"]["members"], shop["intention"]) == (["total"], "Sell things")
    assert bench.http("POST", "/shop/total/ops/invoke", {}) is None
    assert bench.applied(LEAN, "--prune")["outcome"] == []


def test_what_is_not_in_the_project_is_never_pruned(bench: Bench) -> None:
    bench.applied("elements:\n- {element_type: variable, slug: other, spec: {value: 1}}\n")
    bench.applied(SHOP)
    bench.applied(LEAN, "--prune")
    assert bench.slugs() == ["other", "shop", "total"]


def test_a_member_of_another_project_too_leaves_and_is_not_deleted(bench: Bench) -> None:
    bench.applied(SHOP)
    bench.applied("elements:\n- {element_type: project, slug: second, spec: {members: [rate]}}\n")
    ended = bench.apply(LEAN, "--prune")
    assert ended.code == 0, ended
    assert "rate leaves the project and is not deleted: it belongs to second too" in ended.out
    assert bench.slugs() == ["rate", "second", "shop", "total"]
    assert bench.http("GET", "/shop")["spec"]["members"] == ["total"]


def test_a_pruned_project_lets_go_of_its_members_which_stay(bench: Bench) -> None:
    bench.applied(SHOP)
    bench.applied(
        "project: {slug: shop, spec: {members: [total, inner, rate]}}\nelements:\n"
        "- {element_type: variable, slug: kept, spec: {value: 1}}\n"
        "- {element_type: project, slug: inner, spec: {members: [kept, rate]}}\n"
    )
    told = bench.applied(LEAN, "--prune")
    assert [each["action"] for each in told["plan"]["elements"]].count("delete") == 1
    assert bench.slugs() == ["kept", "rate", "shop", "total"]
    assert bench.http("GET", "/shop")["spec"]["members"] == ["total"]


def test_attachments_of_the_project_and_its_elements_go_when_they_are_not_named(bench: Bench) -> None:
    bench.applied(SHOP + "- {source: rate, target: total}\n")
    without = SHOP.replace("attachments:\n- source: rate\n", "attachments:\n- {source: rate, target: total}\n")
    assert actions(bench.applied(without), "attachments") == []
    assert actions(bench.applied(without, "--prune"), "attachments") == [("detach", "rate")]
    assert bench.http("GET", "/shop/ops/attachments")["attachments"] == []
    assert len(bench.http("GET", "/total/ops/attachments")["attachments"]) == 1


def test_without_a_project_pruning_is_refused_with_the_reason(bench: Bench) -> None:
    ended = bench.apply("elements: []\n", "--prune")
    assert ended.code == 2
    assert "--prune deletes members of a project, and the form names none" in ended.err


def test_an_element_edited_meanwhile_is_not_deleted(bench: Bench, monkeypatch: Any) -> None:
    from triform.cli.form.carrying import Carrying

    bench.applied(SHOP)
    delete = Carrying._delete

    def late(carried: Carrying, *arguments: Any) -> None:
        bench.http("PATCH", "/rate", {"spec": {"value": 8}})
        delete(carried, *arguments)

    monkeypatch.setattr(Carrying, "_delete", late)
    ended = bench.apply(LEAN, "--prune")
    assert (ended.code, "rate is not as the plan saw it" in ended.err) == (1, True)
    assert bench.http("GET", "/rate")["spec"]["value"] == 8
