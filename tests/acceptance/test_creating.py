"""Making elements: names, slugs, defaults."""

from typing import Any

import httpx2
import pytest

from tests.acceptance.client import Circle, refused
from tests.acceptance.conftest import Circles

CODE = "def handler(input)\n  input\nend\n"
SPEC = {"source": {"code": CODE}}


async def test_creating_answers_201_with_the_address_of_the_element(circle: Circle) -> None:
    answer = await circle.create("greet", SPEC)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/{circle.name}/greet"
    assert answer.headers["ETag"] == '"1"'
    assert (await circle.get("/greet")).json().items() >= answer.json().items()


@pytest.mark.parametrize("door", ["/", "", "/ops/create"])
async def test_elements_are_created_at_the_circle_with_and_without_slash_and_at_its_create_operation(
    circle: Circle, door: str
) -> None:
    answer = await circle.post(door, {"element_type": "ruby", "slug": "greet", "spec": SPEC})
    assert answer.status_code == 201
    assert (await circle.get("/greet")).status_code == 200


async def test_an_element_is_all_that_the_contract_says(circle: Circle) -> None:
    told = {"name": "Greeter", "intention": "Says hello", "meta": {"x": 1}}
    element = (await circle.create("greet", SPEC, **told)).json()
    assert set(element) >= {
        *("id", "circle", "slug", "path", "element_type", "category", "form", "name", "intention", "state"),
        *("version", "spec", "meta", "warnings", "created_at", "updated_at"),
    }
    assert {name: element[name] for name in told} == told
    assert (element["circle"], element["slug"], element["path"]) == (
        circle.name,
        "greet",
        f"/api/{circle.name}/greet",
    )
    assert (element["element_type"], element["category"], element["form"]) == ("ruby", "actions", "atom")
    assert (element["state"], element["version"], element["warnings"]) == ("ready", 1, [])
    assert element["id"][14] == "7"
    assert element["created_at"].endswith("Z")
    assert len(element["created_at"]) == len("2026-01-31T12:00:00.000000Z")


async def test_defaults_are_filled_into_the_spec(circle: Circle) -> None:
    spec = (await circle.create("greet", SPEC)).json()["spec"]
    assert spec["source"] == {"type": "inline", "code": CODE, "requirements": []}
    assert (spec["handler"], spec["memory_mb"], spec["timeout_ms"]) == ("handler", 128, 30000)
    assert spec["retry"] == {"max_attempts": 3, "backoff_ms": 1000, "backoff_multiplier": 2.0}


async def test_the_name_is_derived_from_the_slug_when_there_is_none(circle: Circle) -> None:
    assert (await circle.create("score-lead", SPEC)).json()["name"]


@pytest.mark.parametrize("slug", ["a", "a" * 63, "greet-2", "a-"])
async def test_slugs_are_1_to_63_lower_case_letters_digits_and_hyphens(circle: Circle, slug: str) -> None:
    assert (await circle.create(slug, SPEC)).status_code == 201


@pytest.mark.parametrize(
    "slug", ["", "a" * 64, "Greet", "2fast", "-a", "a_b", "a b", "grüße", "ops", "events", "mcp", "a\n", 7, None]
)
async def test_other_slugs_and_the_reserved_ones_are_refused(circle: Circle, slug: Any) -> None:
    problem = refused(await circle.create(slug, SPEC), 422, "INVALID_INPUT")
    assert problem["errors"][0]["pointer"] == "/slug"


async def test_a_slug_can_be_had_once_in_a_circle(circle: Circle) -> None:
    await circle.create("greet", SPEC)
    refused(await circle.create("greet", SPEC), 409, "SLUG_TAKEN")


async def test_the_same_slug_can_be_had_in_another_circle(new_circle: Circles) -> None:
    first, second = await new_circle(), await new_circle()
    assert (await first.create("greet", SPEC)).status_code == 201
    assert (await second.create("greet", SPEC)).status_code == 201


async def test_a_slug_is_free_again_after_delete_and_names_a_new_element(circle: Circle) -> None:
    first = (await circle.create("greet", SPEC)).json()
    await circle.request("DELETE", "/greet", params={"confirm": "true"})
    second = (await circle.create("greet", SPEC)).json()
    assert second["id"] != first["id"]
    assert second["version"] == 1


@pytest.mark.parametrize("name", ["ab", "a" * 33, "Acme", "1st", "auth", "git", "api", "mcp", "ops", "events"])
async def test_circle_names_are_3_to_32_of_the_same_alphabet_and_not_reserved(
    http: httpx2.AsyncClient, name: str
) -> None:
    refused(await http.post("/api/auth/dev", json={"circle_name": name}), 422, "INVALID_INPUT")


async def test_elements_are_created_in_circles_not_in_elements(circle: Circle) -> None:
    element = await circle.ruby()
    body = {"element_type": "ruby", "slug": "inner", "spec": SPEC}
    refused(await element.post("/ops/create", body), 409, "CHILDREN_NOT_ALLOWED")


async def test_children_lists_what_is_in_the_circle(circle: Circle) -> None:
    for slug in ("beta", "alpha"):
        await circle.create(slug, SPEC)
    listed = (await circle.get("/ops/children")).json()
    assert [child["slug"] for child in listed["children"]] == ["alpha", "beta"]


@pytest.mark.parametrize("name", ["ruby2", "circle", "", "Ruby"])
async def test_only_types_that_are_there_can_be_created(circle: Circle, name: str) -> None:
    answer = await circle.post("/", {"element_type": name, "slug": "x"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["_suggestion"]["fix"]


@pytest.mark.parametrize("missing", ["element_type", "slug"])
async def test_type_and_slug_are_needed(circle: Circle, missing: str) -> None:
    body = {"element_type": "ruby", "slug": "x", "spec": SPEC}
    del body[missing]
    problem = refused(await circle.post("/", body), 422, "INVALID_INPUT")
    assert missing in problem["errors"][0]["pointer"] + problem["errors"][0]["message"]


async def test_children_can_be_narrowed_by_lists_of_types_and_states(circle: Circle) -> None:
    for slug in ("alpha", "beta"):
        await circle.create(slug, SPEC)
    await circle.post("/beta/ops/disable")

    async def slugs(**query: str) -> list[str]:
        return [child["slug"] for child in (await circle.get("/ops/children", params=query)).json()["children"]]

    assert await slugs(state="disabled") == ["beta"]
    assert await slugs(state="ready,disabled", types="ruby") == ["alpha", "beta"]
    assert await slugs(types="other") == []
    assert await slugs(q="ALP") == ["alpha"]


async def test_a_name_may_be_of_any_script_and_holds_no_control_characters(circle: Circle) -> None:
    name = "Für\xa0alle 👩\u200d👧"
    assert (await circle.create("greet", SPEC, name=name)).json()["name"] == name
    for bad in ("\u202eevil", "two\nlines", " ", "nul\0"):
        refused(await circle.request("PATCH", "/greet", json={"name": bad}), 422, "INVALID_INPUT")
