"""Where things are, and which verbs they take."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.acceptance.client import Circle, refused, run_id_of
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


async def test_the_circle_is_an_element_itself(circle: Circle) -> None:
    element = (await circle.get()).json()
    assert element["element_type"] == "circle"
    assert element["slug"] == circle.name
    assert (await circle.get("/ops/get")).json() == element


async def test_the_element_url_serves_get_patch_and_delete(circle: Circle) -> None:
    await circle.create("greet", SPEC)
    assert (await circle.get("/greet")).json()["version"] == 1
    assert (await circle.request("PATCH", "/greet", json={"name": "Hi"})).json()["version"] == 2
    assert (await circle.request("DELETE", "/greet", params={"confirm": "true"})).json()["state"] == "deleted"
    refused(await circle.get("/greet"), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "get"),
        ("GET", "version"),
        ("GET", "runs"),
        ("GET", "logs"),
        ("GET", "schema"),
        ("GET", "stats"),
        ("GET", "diagnostics"),
        ("PATCH", "update"),
        ("POST", "disable"),
        ("POST", "enable"),
        ("POST", "invoke"),
        ("POST", "deploy"),
    ],
)
async def test_operations_answer_to_their_declared_verb_and_to_post(circle: Circle, verb: str, path: str) -> None:
    element = await circle.ruby()
    assert (await element.request(verb, f"/ops/{path}")).status_code == 200
    assert (await element.post(f"/ops/{path}", {})).status_code == 200


@pytest.mark.parametrize("path", ["children", "runs", "wallet", "wallet/entries", "members", "tokens", "schema"])
async def test_the_circles_own_operations_answer_to_get_and_to_post(circle: Circle, path: str) -> None:
    assert (await circle.get(f"/ops/{path}")).status_code == 200
    assert (await circle.post(f"/ops/{path}", {})).status_code == 200


async def test_update_meta_takes_patch_and_post(circle: Circle) -> None:
    element = await circle.ruby()
    assert (await element.request("PATCH", "/ops/update_meta", json={"meta": {"a": 1}})).status_code == 200
    assert (await element.post("/ops/update_meta", {"meta": {"b": 2}})).json()["meta"] == {"a": 1, "b": 2}


async def test_post_takes_the_arguments_of_a_reading_operation_in_the_body(circle: Circle) -> None:
    element = await circle.ruby()
    await element.patch({"name": "Two"})
    answer = await element.post("/ops/version", {"history": True, "limit": 1})
    assert [each["version"] for each in answer.json()["versions"]] == [2]


async def test_delete_takes_its_confirmation_in_query_or_body(circle: Circle) -> None:
    for slug, options in (("one", {"params": {"confirm": "true"}}), ("two", {"json": {"confirm": True}})):
        await circle.create(slug, SPEC)
        assert (await circle.request("DELETE", f"/{slug}/ops/delete", **options)).status_code == 200
    await circle.create("three", SPEC)
    assert (await circle.post("/three/ops/delete", {"confirm": True})).json()["state"] == "deleted"


async def test_a_run_is_found_at_its_location(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.invoke({})
    location = answer.headers["Location"]
    assert location == f"{element.path}/ops/runs/{run_id_of(answer)}"
    headers = {"Authorization": f"Bearer {circle.token}"}
    assert (await circle.http.get(location, headers=headers)).json()["run_id"] == run_id_of(answer)


async def test_a_run_is_also_found_at_the_circle(circle: Circle) -> None:
    element = await circle.ruby()
    run_id = run_id_of(await element.invoke({}))
    assert (await circle.get(f"/ops/runs/{run_id}")).json()["run_id"] == run_id


async def test_a_run_is_not_found_at_another_element(circle: Circle) -> None:
    one, other = await circle.ruby(), await circle.ruby()
    refused(await other.get(f"/ops/runs/{run_id_of(await one.invoke({}))}"), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "run_id", ["1", "last", "0190", "0190f0a0-1111-7222-8333-0123456789abc", "ffffffff-ffff-ffff-ffff-fffffffffff"]
)
async def test_only_uuids_name_runs(circle: Circle, run_id: str) -> None:
    element = await circle.ruby()
    refused(await element.get(f"/ops/runs/{run_id}"), 404, "NOT_FOUND")
    refused(await element.post(f"/ops/runs/{run_id}/cancel"), 404, "NOT_FOUND")


async def test_an_unknown_run_is_not_found(circle: Circle) -> None:
    element = await circle.ruby()
    refused(await element.get(f"/ops/runs/{uuid4()}"), 404, "NOT_FOUND")
    refused(await element.cancel(str(uuid4())), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("verb", "path", "allow"),
    [
        ("GET", "/ops/invoke", {"POST"}),
        ("PUT", "/ops/invoke", {"POST"}),
        ("PUT", "/ops/runs", {"GET", "HEAD", "POST"}),
        ("DELETE", "/ops/runs", {"GET", "HEAD", "POST"}),
        ("PATCH", "/ops/enable", {"POST"}),
        ("POST", "", {"GET", "HEAD", "PATCH", "DELETE"}),
        ("PUT", "", {"GET", "HEAD", "PATCH", "DELETE"}),
        ("GET", "/ops/update", {"PATCH", "POST"}),
        ("GET", "/ops/delete", {"DELETE", "POST"}),
        ("OPTIONS", "/ops/invoke", {"POST"}),
    ],
)
async def test_another_verb_is_refused_with_those_that_are_taken(
    circle: Circle, verb: str, path: str, allow: set[str]
) -> None:
    element = await circle.ruby()
    answer = await element.request(verb, path)
    refused(answer, 405, "METHOD_NOT_ALLOWED")
    assert allow <= set(answer.headers["Allow"].split(", ")) <= allow | {"POST"}


@pytest.mark.parametrize(
    "path",
    [
        "/nobody",
        "/nobody/ops/invoke",
        "/greet/ops/nothing",
        "/greet/ops",
        "/greet/ops/",
        "/greet/",
        "/greet/greet",
        "/project/greet/ops/invoke",
        "/greet/ops/invoke/",
        "/greet/ops/invoke/more",
        "/GREET",
        "/greet%2Fops%2Finvoke",
        "/%67reet",
        "//greet",
        "/ops/nothing",
        "/../greet",
    ],
)
async def test_what_names_nothing_is_not_found(circle: Circle, path: str) -> None:
    await circle.create("greet", SPEC)
    refused(await circle.post(path, {}), 404, "NOT_FOUND")


async def test_an_unknown_operation_is_told_with_those_there_are(circle: Circle) -> None:
    element = await circle.ruby()
    problem = refused(await element.post("/ops/invok", {}), 404, "NOT_FOUND")
    assert "invoke" in problem["_suggestion"]["fix"]


async def test_head_answers_as_get_without_a_body(circle: Circle) -> None:
    element = await circle.ruby()
    for path in ("", "/ops/get", "/ops/runs"):
        got, head = await element.get(path), await element.request("HEAD", path)
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["Content-Length"] == str(len(got.content))
        assert head.headers.get("ETag") == got.headers.get("ETag")


async def test_nothing_is_kept_in_caches_and_nothing_answers_304(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.get(
        headers={"If-None-Match": '"1"', "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    )
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await element.invoke({})).headers["Cache-Control"] == "no-store"
    assert (await element.get("/ops/nothing")).headers["Cache-Control"] == "no-store"


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
