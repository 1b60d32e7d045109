"""Where things are, and which verbs they take."""

from uuid import uuid4

import pytest

from tests.acceptance.client import Circle, refused, run_id_of

CODE = "def handler(input)\n  input\nend\n"
SPEC = {"source": {"code": CODE}}


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
        "/greet//",
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
