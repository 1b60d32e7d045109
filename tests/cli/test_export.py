"""`triform export`: a form that changes nothing where it comes from, and makes the same elsewhere."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.forms import ECHO, SHOP, Bench

SAME = ("slug", "element_type", "name", "intention", "spec")


def state(bench: Bench) -> dict[str, Any]:
    """All that a form can say of a circle."""
    elements = {slug: bench.http("GET", f"/{slug}") for slug in bench.slugs()}
    attached = [
        [each["source"], slug, each["priority"], each["cascade_policy"], each["version_pin"]]
        for slug in (None, *elements)
        for each in bench.http("GET", f"/{slug}/ops/attachments" if slug else "/ops/attachments")["attachments"]
    ]
    readmes = {slug: bench.http("GET", f"/{slug}/ops/readme")["content"] for slug in elements}
    return {
        "elements": {slug: {name: each[name] for name in SAME} for slug, each in elements.items()},
        "attached": attached,
        "readmes": readmes,
    }


def filled(bench: Bench) -> None:
    """Projects in projects, a variable that is no member, one on the circle, readmes, a promotion."""
    bench.applied(
        SHOP.replace("  slug: total\n", "  slug: total\n  name: Sümme\n  readme: |\n    # Total\n\n    It adds.\n")
        + "- {source: rate, target: total, priority: 3, cascade_policy: none}\n",
        "--deploy",
    )
    bench.applied(
        "elements:\n"
        "- {element_type: variable, slug: outside, spec: {value: {a: [1, null]}, name: OUT}}\n"
        f"- {{element_type: ruby, slug: deep, spec: {{memory_mb: 256, source: {{code: {json.dumps(ECHO)}}}}}}}\n"
        "- {element_type: project, slug: inner, spec: {members: [deep]}}\n"
        "- {element_type: project, slug: shop, intention: Sell things, "
        "spec: {description: D, members: [total, inner, rate]}}\n"
        "attachments:\n- {source: outside, target: shop}\n- {source: outside, target: circle}\n"
    )
    bench.http("POST", "/deep/ops/deploy", {})
    bench.http("POST", "/shop/ops/promote", {"environment": "demo"})


@pytest.mark.parametrize("what", [("--all",), ("shop",)])
def test_an_export_applied_where_it_comes_from_changes_nothing(bench: Bench, what: tuple[str, ...]) -> None:
    filled(bench)
    before, written = state(bench), bench.exported(*what)
    more = ["--prune"] if what == ("shop",) else []
    told = bench.applied(written, "--deploy", *more)
    assert (told["outcome"], {each["action"] for each in told["plan"]["elements"]}) == ([], {"unchanged"})
    assert state(bench) == before
    assert bench.exported(*what) == written, "it is stable"


def test_a_whole_circle_comes_up_the_same_in_another(bench: Bench) -> None:
    filled(bench)
    other = bench.another()
    other.applied(bench.exported())
    there, here = state(other), state(bench)
    here["elements"]["shop"]["spec"]["environments"] = {}
    assert there == here
    assert other.exported() == bench.exported()


def test_a_project_comes_along_with_all_it_holds_and_what_is_attached_there(bench: Bench) -> None:
    filled(bench)
    bench.applied("elements:\n- {element_type: variable, slug: unrelated, spec: {value: 1}}\n")
    other, written = bench.another(), bench.exported("shop")
    other.applied(written)
    assert other.slugs() == ["deep", "inner", "outside", "rate", "shop", "total"]
    assert other.http("GET", "/shop")["spec"]["members"] == ["total", "inner", "rate"]
    assert other.exported("shop") == written


def test_defaults_and_what_the_platform_writes_are_left_out_and_code_is_a_block(bench: Bench) -> None:
    filled(bench)
    written = bench.exported("shop")
    assert "      code: |\n        def handler(input)\n          [ENV['RATE'], input]\n        end\n" in written
    assert "readme: |\n    # Total\n\n    It adds.\n" in written
    for left_out in ("environments", "timeout_ms", "type: inline", "requirements", "priority: 100", "name: Rate"):
        assert left_out not in written
    assert "memory_mb: 256" in written


def test_json_is_a_form_too(bench: Bench) -> None:
    filled(bench)
    ended = bench.run("export", "--all", "--json")
    assert bench.applied(json.loads(ended.out))["outcome"] == []


def test_a_file_is_written_whole(bench: Bench, tmp_path: Path) -> None:
    bench.applied(SHOP)
    target = tmp_path / "out.yaml"
    target.write_text("before")
    ended = bench.run("export", "shop", "-o", str(target))
    assert (ended.code, ended.out) == (0, f"{target}: 2 elements\n")
    assert target.read_text() == bench.exported("shop")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []
    ended = bench.run("export", "shop", "-o", str(tmp_path / "none" / "out.yaml"))
    assert (ended.code, "cannot write" in ended.err) == (1, True)


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["shop", "--all"], 2), (["absent"], 1), (["total"], 1)])
def test_what_cannot_be_exported_is_told(bench: Bench, arguments: list[str], code: int) -> None:
    bench.applied(SHOP)
    ended = bench.run("export", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert "FIX: " in ended.err


def test_an_empty_circle_is_an_empty_form(bench: Bench) -> None:
    assert bench.exported().endswith("\nelements: []\n")
    assert bench.applied(bench.exported())["outcome"] == []


def test_an_element_called_like_the_circle_is_told_apart(bench: Bench) -> None:
    bench.applied(
        "elements:\n- {element_type: project, slug: circle}\n"
        "- {element_type: variable, slug: a, spec: {value: 1}}\n"
    )
    target_id = bench.http("GET", "/circle")["id"]
    bench.http("POST", "/a/ops/attach", {"target_id": target_id})
    ended = bench.run("export", "--all")
    assert (ended.code, "called like the circle itself" in ended.err) == (1, True)
