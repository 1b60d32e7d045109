"""A form with a thousand elements takes a request or two for each, and no more."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Triform
from tests.cli.double import Asked, Platform, Told

MANY = 1000
SLUGS = [f"v-{place}" for place in range(MANY)]


@pytest.fixture
def form(tmp_path: Path) -> str:
    lines = (f"- {{element_type: variable, slug: {slug}, spec: {{value: 1}}}}\n" for slug in SLUGS)
    (tmp_path / "form.yaml").write_text("project: many\nelements:\n" + "".join(lines))
    return str(tmp_path / "form.yaml")


def element(slug: str, **members: Any) -> dict[str, Any]:
    return {
        "slug": slug, "element_type": "variable", "version": 1, "state": "ready", "name": slug, "intention": "",
        "spec": {"value": 1}, "warnings": [], **members,
    }  # fmt: skip


def project() -> dict[str, Any]:
    spec = {"members": SLUGS, "environments": {}}
    return element("many", element_type="project", spec=spec)


def holding(platform: Platform, elements: list[dict[str, Any]]) -> None:
    def page(asked: Asked) -> Told:
        first = int(asked.query["offset"])
        return Told({"children": elements[first : first + int(asked.query["limit"])], "total": len(elements)})

    platform.tell("GET", "/api/acme/ops/children", page)
    for each in elements:
        platform.tell("GET", f"/api/acme/{each['slug']}", Told(each))


def test_each_new_element_is_one_request_and_the_project_one(
    signed_in: Platform, triform: Triform, form: str
) -> None:
    holding(signed_in, [])
    signed_in.tell("POST", "/api/acme/", lambda asked: Told(element(asked.body["slug"]), 201))
    ended = triform("apply", form, "--yes", "--json")
    assert ended.code == 0, ended.err
    assert len(json.loads(ended.out)["outcome"]) == MANY + 1
    assert len(signed_in.asked) == MANY + 2
    assert signed_in.asked[-1].body["spec"]["members"] == SLUGS


def test_what_is_there_already_is_read_once(signed_in: Platform, triform: Triform, form: str) -> None:
    holding(signed_in, [*map(element, SLUGS), project()])
    ended = triform("apply", form)
    assert (ended.code, ended.out) == (0, f"circle acme\n  = unchanged: {MANY + 1}\nnothing to do\n")
    assert len(signed_in.asked) == MANY + 1 + 3
    assert {asked.method for asked in signed_in.asked} == {"GET"}
