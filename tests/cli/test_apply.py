"""`triform apply` against a real server: the circle becomes what the form says, and nothing else happens."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.document import PROJECT_SPEC
from tests.cli.forms import ECHO, SHOP, Bench, actions
from triform.cli import apply
from triform.cli.form import carrying
from triform.cli.form.carrying import Carrying


def test_the_plan_is_shown_then_done_and_the_second_time_there_is_nothing_to_do(bench: Bench) -> None:
    first = bench.apply(SHOP)
    assert first.code == 0, first
    assert first.out.splitlines() == [
        f"circle {bench.circle}",
        "  + create   variable rate",
        "  + create   ruby total",
        "  + create   project shop",
        "  + attach   rate → shop (priority 100, members)",
        "done: 4 steps",
    ]
    assert bench.http("POST", "/shop/total/ops/invoke", {"a": 1}) == ["7", {"a": 1}]
    versions = [each["version"] for each in bench.http("GET", "/ops/children")["children"]]
    second = bench.apply(SHOP)
    assert (second.code, second.out.splitlines()[1:]) == (0, ["  = unchanged: 3", "nothing to do"])
    assert [each["version"] for each in bench.http("GET", "/ops/children")["children"]] == versions == [1, 1, 1]
    assert bench.http("GET", "/shop")["spec"]["members"] == ["total", "rate"]


def test_the_example_of_the_source_is_a_form(bench: Bench) -> None:
    assert actions(bench.applied(PROJECT_SPEC)) == [("create", "transform-order")]
    assert actions(bench.applied(PROJECT_SPEC)) == [("unchanged", "transform-order")]


def test_a_change_is_planned_by_its_members_and_made_as_one_version(bench: Bench) -> None:
    bench.applied(SHOP)
    changed = SHOP.replace("'RATE'", "'RATES'").replace("  slug: total\n", "  slug: total\n  name: Sum\n")
    told = bench.applied(changed)
    (total,) = [each for each in told["plan"]["elements"] if each["slug"] == "total"]
    assert (total["action"], total["changes"]) == ("update", ["/name", "/spec/source/code"])
    assert bench.http("GET", "/total")["version"] == 2
    assert [each["action"] for each in told["outcome"]] == ["update"]
    assert bench.applied(changed)["outcome"] == []


def test_what_a_spec_does_not_name_any_more_is_gone(bench: Bench) -> None:
    named = "elements:\n- {element_type: variable, slug: a, spec: {value: '1', name: NAMED}}\n"
    bench.applied(named)
    told = bench.applied(named.replace(", name: NAMED", ""))
    assert told["plan"]["elements"][0]["changes"] == ["/spec/name"]
    assert bench.http("GET", "/a")["spec"] == {"value": "1"}


def test_a_dry_run_shows_everything_and_changes_nothing(bench: Bench) -> None:
    ended = bench.apply(SHOP, "--dry-run")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "nothing done")
    assert "+ create   project shop" in ended.out
    assert bench.slugs() == []


def test_where_nobody_can_agree_nothing_happens(bench: Bench) -> None:
    ended = bench.run("apply", str(bench.form(SHOP)))
    assert (ended.code, "--yes does it without asking" in ended.err) == (2, True)
    assert bench.slugs() == []


@pytest.mark.parametrize(("answer", "code", "made"), [("y\n", 0, 3), ("n\n", 1, 0), ("", 1, 0)])
def test_on_a_terminal_one_is_asked(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, made: int
) -> None:
    monkeypatch.setattr(apply, "_somebody_is_there", lambda: True)
    ended = bench.triform("--circle", bench.circle, "apply", str(bench.form(SHOP)), stdin=answer)
    assert (ended.code, len(bench.slugs())) == (code, made), ended


def test_an_attachment_gets_the_terms_of_the_form(bench: Bench) -> None:
    bench.applied(SHOP)
    changed = SHOP + "  priority: 7\n  cascade_policy: none\n  version_pin: 1\n"
    told = bench.applied(changed)
    assert actions(told, "attachments") == [("change", "rate")]
    (attached,) = bench.http("GET", "/shop/ops/attachments")["attachments"]
    assert (attached["priority"], attached["cascade_policy"], attached["version_pin"]) == (7, "none", 1)
    assert bench.applied(changed)["outcome"] == []
    on_circle = changed + "- {source: rate, target: circle}\n- {source: rate, target: total}\n"
    assert actions(bench.applied(on_circle), "attachments") == [("attach", "rate"), ("attach", "rate")]
    assert bench.applied(on_circle)["outcome"] == []


def test_a_readme_is_written_once(bench: Bench) -> None:
    text = 'elements:\n- {element_type: variable, slug: a, spec: {value: 1}, readme: "# A\\n"}\n'
    bench.applied(text)
    assert bench.http("GET", "/a/ops/readme")["content"] == "# A\n"
    assert bench.applied(text)["outcome"] == []
    told = bench.applied(text.replace("# A", "# B"))
    assert told["plan"]["elements"][0]["changes"] == ["/readme"]
    assert (bench.http("GET", "/a/ops/readme")["content"], bench.http("GET", "/a")["version"]) == ("# B\n", 1)


def test_deploy_deploys_what_has_to_be_and_nothing_twice(bench: Bench) -> None:
    first = bench.applied(SHOP, "--deploy")
    assert [(each["action"], each["slug"]) for each in first["outcome"]][-1] == ("deploy", "total")
    assert bench.http("GET", "/total")["state"] == "deployed"
    assert bench.applied(SHOP, "--deploy")["outcome"] == []
    told = bench.applied(SHOP.replace("slug: total", "slug: total\n  intention: Sum"), "--deploy")
    assert [each["action"] for each in told["outcome"]] == ["update"], "its source is the same"
    told = bench.applied(SHOP.replace("'RATE'", "'RATES'"), "--deploy")
    assert [each["action"] for each in told["outcome"]] == ["update", "deploy"]


def test_warnings_of_the_platform_are_told_with_the_element(bench: Bench) -> None:
    text = {"elements": [{"element_type": "ruby", "slug": "odd", "spec": {"source": {"code": "x = 1\n"}}}]}
    ended = bench.apply(text)
    assert ended.code == 0
    assert "warning: odd: " in ended.err


def test_unicode_arrives_as_it_was_written(bench: Bench) -> None:
    text = "elements:\n- {element_type: variable, slug: a, name: 'Größe 😀', intention: 'ü', "
    text += "spec: {value: '日本\u2028'}}\n"
    bench.applied(text)
    there = bench.http("GET", "/a")
    assert (there["name"], there["intention"], there["spec"]["value"]) == ("Größe 😀", "ü", "日本\u2028")
    assert bench.applied(text)["outcome"] == []


# --- what does not fit the circle ----------------------------------------------------------------------------


def test_what_does_not_fit_the_circle_is_told_at_once_and_nothing_is_changed(bench: Bench) -> None:
    bench.applied("elements:\n- {element_type: variable, slug: taken, spec: {value: 1}}\n")
    ended = bench.apply(
        "project: {slug: shop, spec: {members: [absent]}}\nelements:\n"
        f"- {{element_type: ruby, slug: taken, spec: {{source: {{code: {json.dumps(ECHO)}}}}}}}\n"
        "attachments:\n- {source: nobody}\n- {source: taken, target: nowhere}\n"
    )
    assert ended.code == 1
    for expected in (
        ":1: there is no element absent in this form or in the circle; declare it under elements",
        ":3: taken exists and is of type variable, not ruby; choose another slug",
        ":5: there is no element nobody",
        ":6: there is no element nowhere",
    ):
        assert expected in ended.err
    assert bench.slugs() == ["taken"]


def test_projects_that_hold_each_other_are_refused_with_the_way(bench: Bench) -> None:
    ended = bench.apply(
        "elements:\n- {element_type: project, slug: a, spec: {members: [b]}}\n"
        "- {element_type: project, slug: b, spec: {members: [c]}}\n"
        "- {element_type: project, slug: c, spec: {members: [a]}}\n"
    )
    assert ended.code == 2
    assert ":2: a holds b holds c holds a: none of them can hold itself" in ended.err
    assert bench.slugs() == []


def test_members_can_change_places(bench: Bench) -> None:
    held = "elements:\n- {{element_type: project, slug: a, spec: {{members: {}}}}}\n"
    held += "- {{element_type: project, slug: b, spec: {{members: {}}}}}\n"
    bench.applied(held.format("[b]", "[]"))
    bench.applied(held.format("[]", "[a]"))
    assert bench.http("GET", "/b")["spec"]["members"] == ["a"]


def test_a_version_that_will_not_be_there_cannot_be_pinned(bench: Bench) -> None:
    ended = bench.apply(SHOP + "  version_pin: 2\n")
    assert ended.code == 1
    assert "rate will have no version 2, its newest will be 1; pin one that is there" in ended.err
    assert bench.slugs() == []


def test_code_that_is_refused_is_shown_where_it_lies_and_what_was_done_is_told(bench: Bench) -> None:
    (bench.folder / "total.rb").write_text("def handler(input\n")
    text = (
        "elements:\n- {element_type: variable, slug: a, spec: {value: 1}}\n- element_type: ruby\n  slug: total\n"
    )
    ended = bench.apply(text + "  files: {/source/code: total.rb}\n")
    assert ended.code == 1
    assert "project.yaml:3: total: " in ended.err
    assert "total.rb:1" in ended.err
    told = json.loads(bench.apply(text + "  files: {/source/code: total.rb}\n", "--json").out)
    assert (told["code"], told["outcome"]) == ("RUBY_SYNTAX_ERROR", [])
    (bench.folder / "total.rb").write_text(ECHO)
    assert actions(bench.applied(text + "  files: {/source/code: total.rb}\n")) == [
        ("unchanged", "a"), ("create", "total"),
    ]  # fmt: skip


# --- somebody else, meanwhile --------------------------------------------------------------------------------

Meanwhile = Callable[[Bench], Any]


def _edited(bench: Bench) -> None:
    bench.http("PATCH", "/total", {"intention": "Mine"})


def _reattached(bench: Bench) -> None:
    target_id = bench.http("GET", "/shop")["id"]
    bench.http("POST", "/rate/ops/attach", {"target_id": target_id, "priority": 1})


def _created(bench: Bench) -> None:
    bench.http("POST", "/", {"element_type": "variable", "slug": "late", "spec": {"value": 1}})


def _described(bench: Bench) -> None:
    bench.http("POST", "/total/ops/readme_update", {"content": "# Mine\n"})


LATER = SHOP.replace("  slug: total\n", "  slug: total\n  readme: Yours\n{}").replace(
    "attachments:", "- {element_type: variable, slug: late, spec: {value: 2}}\nattachments:"
)


@pytest.mark.parametrize(
    ("meanwhile", "more", "about"),
    [
        (_edited, "  name: Yours\n", "total"),
        (_created, "", "late"),
        (_described, "", "the readme of total"),
        (_reattached, "", "what is attached to shop"),
    ],
)
def test_a_change_between_plan_and_apply_is_told_and_not_overwritten(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, meanwhile: Meanwhile, more: str, about: str
) -> None:
    bench.applied(SHOP)
    out = Carrying.out

    def late(carried: Carrying) -> Any:
        meanwhile(bench)
        return out(carried)

    monkeypatch.setattr(carrying.Carrying, "out", late)
    ended = bench.apply(LATER.replace("{}", more) + "  priority: 9\n")
    assert ended.code == 1, ended
    assert f"{about} is not as the plan saw it; it was left as it is now" in ended.err
    assert "FIX: Apply again." in ended.err


def test_what_somebody_else_wrote_is_still_there_after_a_conflict(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.applied(SHOP)
    out = Carrying.out

    def late(carried: Carrying) -> Any:
        for each in (_edited, _reattached):
            each(bench)
        return out(carried)

    monkeypatch.setattr(carrying.Carrying, "out", late)
    assert bench.apply(SHOP.replace("  slug: total\n", "  slug: total\n  name: Yours\n")).code == 1
    there = bench.http("GET", "/total")
    assert (there["version"], there["name"], there["intention"]) == (2, "Total", "Mine")
    assert bench.http("GET", "/shop/ops/attachments")["attachments"][0]["priority"] == 1


def test_an_interrupted_apply_can_be_applied_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(carrying.Carrying, "_attachments", _interrupt)
        assert bench.apply(SHOP).code == 130
    assert bench.slugs() == ["rate", "shop", "total"]
    told = bench.applied(SHOP)
    assert [each["action"] for each in told["outcome"]] == ["attach"]


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
