"""`triform elements`: what there is, and what of it is wanted."""

import json
from typing import Any

import pytest

from tests.cli.conftest import Triform
from tests.cli.double import Platform, Told

CHILDREN = "/api/acme/ops/children"


def child(slug: str, **members: Any) -> dict[str, Any]:
    return {
        "slug": slug,
        "element_type": "unheard-of",
        "state": "deployed",
        "version": 3,
        "name": slug.capitalize(),
        "updated_at": "2026-01-31T12:00:00.000000Z",
        **members,
    }


@pytest.fixture
def filled(signed_in: Platform) -> Platform:
    signed_in.tell("GET", CHILDREN, Told({"children": [child("greet"), child("score")], "total": 2}))
    return signed_in


def test_every_element_has_a_line(filled: Platform, triform: Triform) -> None:
    ended = triform("elements")
    assert (ended.code, ended.err) == (0, "")
    _, first, second = ended.out.splitlines()
    assert first.split()[:4] == ["greet", "unheard-of", "deployed", "3"]
    assert second.split()[0] == "score"


def test_json_is_the_answer_itself(filled: Platform, triform: Triform) -> None:
    assert json.loads(triform("elements", "--json").out)["total"] == 2


def test_the_server_chooses_by_type_and_state(filled: Platform, triform: Triform) -> None:
    triform("elements", "--type", "a", "--type", "b", "--state", "ready", "--limit", "10")
    assert filled.asked[-1].every["types"] == ["a", "b"]
    assert filled.asked[-1].query == {"types": "b", "state": "ready", "limit": "10", "offset": "0"}


def test_an_empty_circle_says_so(signed_in: Platform, triform: Triform) -> None:
    signed_in.tell("GET", CHILDREN, Told({"children": [], "total": 0}))
    assert triform("elements").out == "no elements\n"


def test_what_is_left_for_another_page_is_counted(signed_in: Platform, triform: Triform) -> None:
    signed_in.tell("GET", CHILDREN, Told({"children": [child("m")], "total": 9}))
    assert triform("elements", "--limit", "1", "--offset", "3").err == "5 more: --offset 4\n"
