"""Every refusal is a problem document that says why and how to go on."""

from copy import deepcopy
from typing import Any

import httpx2
import pytest

from tests.acceptance.client import ECHO, FAIL, Circle, refused
from tests.acceptance.conftest import Circles

SPEC: dict[str, Any] = {"source": {"code": ECHO}}


async def test_a_problem_has_every_member_of_the_contract(circle: Circle) -> None:
    answer = await circle.create("bad", {"source": {"code": ECHO}, "memory_mb": 1})
    problem = refused(answer, 422, "INVALID_SPEC")
    assert set(problem) >= {
        *("type", "title", "status", "detail", "instance"),
        *("code", "class", "retryable", "_suggestion", "errors", "trace_id"),
    }
    assert problem["instance"] == f"/api/{circle.name}/"
    assert problem["errors"] == [{"pointer": "/spec/memory_mb", "message": problem["errors"][0]["message"]}]
    assert len(problem["trace_id"]) == 32


async def test_a_patch_in_a_suggestion_can_be_applied_as_it_is(circle: Circle) -> None:
    spec: dict[str, Any] = {"code": ECHO, "source": {"type": "inline"}}
    problem = refused(await circle.create("greet", spec), 422, "INVALID_SPEC")
    assert (await circle.create("greet", _patched(spec, problem["_suggestion"]["patch"]))).status_code == 201


async def test_the_patch_for_too_short_a_timeout_can_be_applied_until_it_is_long_enough(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  sleep 0.5\n  1\nend\n", timeout_ms=100)
    for _ in range(5):
        answer = await element.invoke({})
        if answer.status_code == 200:
            break
        problem = refused(answer, 504, "RUBY_TIMEOUT")
        spec = (await element.get()).json()["spec"]
        await element.patch({"spec": _patched(spec, problem["_suggestion"]["patch"]), "deep": False})
    assert answer.json() == 1


async def test_the_patch_for_too_little_memory_can_be_applied_to_the_element(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  ('x' * 90_000_000).size\nend\n", memory_mb=64)
    problem = refused(await element.invoke({}), 500, "RUBY_MEMORY_EXCEEDED")
    spec = (await element.get()).json()["spec"]
    await element.patch({"spec": _patched(spec, problem["_suggestion"]["patch"]), "deep": False})
    assert (await element.invoke({})).json() == 90_000_000


async def test_without_a_credential_everything_is_401(http: httpx2.AsyncClient, circle: Circle) -> None:
    for verb, path in (("GET", circle.path), ("POST", f"{circle.path}/x/ops/invoke"), ("GET", "/api/nobody")):
        answer = await http.request(verb, path)
        refused(answer, 401, "UNAUTHENTICATED")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_foreign_circle_and_one_that_is_not_there_look_the_same(new_circle: Circles) -> None:
    mine, theirs = await new_circle(), await new_circle()
    await theirs.create("greet", SPEC)
    headers = {"Authorization": f"Bearer {mine.token}"}
    told = []
    for name in (theirs.name, "nobody-at-all"):
        problem = refused(await mine.http.get(f"/api/{name}/greet", headers=headers), 404, "NOT_FOUND")
        told.append({key: value for key, value in problem.items() if key not in ("instance", "trace_id")})
    assert told[0] == told[1]


@pytest.mark.parametrize("path", ["/", "/nothing", "/apix", "/api", "/api/", "/livez/", "/api/auth/no"])
async def test_addresses_outside_the_api_are_not_found(http: httpx2.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.status_code in (401, 404), answer.text
    assert answer.json()["_suggestion"]["fix"]


async def test_fixed_addresses_refuse_other_verbs_with_allow(http: httpx2.AsyncClient) -> None:
    for verb, path in (("POST", "/openapi.json"), ("DELETE", "/readyz"), ("GET", "/api/auth/dev")):
        answer = await http.request(verb, path)
        refused(answer, 405, "METHOD_NOT_ALLOWED")
        assert answer.headers["Allow"]


JSON_TYPE = {"Content-Type": "application/json"}
ELEMENT = "/greet"
REFUSED: dict[int, tuple[str, str, dict[str, Any]]] = {
    400: ("POST", f"{ELEMENT}/ops/invoke", {"content": b"{", "headers": JSON_TYPE}),
    404: ("GET", "/nobody", {}),
    405: ("PUT", ELEMENT, {}),
    409: ("POST", "/", {"json": {"element_type": "ruby", "slug": "greet", "spec": SPEC}}),
    412: ("PATCH", ELEMENT, {"json": {}, "headers": {"If-Match": '"99"'}}),
    413: ("POST", f"{ELEMENT}/ops/invoke", {"content": b"[" * (7 << 20), "headers": JSON_TYPE}),
    415: ("POST", f"{ELEMENT}/ops/invoke", {"content": b"a=1"}),
    422: ("POST", "/", {"json": {"element_type": "ruby", "slug": "bad", "spec": {}}}),
    428: ("DELETE", ELEMENT, {}),
}


@pytest.mark.parametrize("status", REFUSED)
async def test_every_refusal_is_whole_typed_and_suggests_a_way(circle: Circle, status: int) -> None:
    await circle.create("greet", SPEC)
    verb, path, options = REFUSED[status]
    answer = await circle.request(verb, path, **options)
    refused(answer, status, answer.json()["code"])
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_wrong_credential_is_401_and_too_low_a_role_403(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await circle.http.get(element.path, headers={"Authorization": "Bearer nonsense"})
    refused(answer, 401, "UNAUTHENTICATED")
    made = await circle.post("/ops/tokens/create", {"name": "reader", "role": "viewer"})
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    refused(await circle.http.post(f"{element.path}/ops/invoke", json={}, headers=headers), 403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("code", "error", "status"),
    [
        ("def handler(input)\n  raise 'x'\nend\n", "RUBY_EXECUTION_FAILED", 500),
        ("def handler(input)\n  exit 3\nend\n", "RUBY_EXECUTION_FAILED", 500),
        ("def handler(input)\n  Process.kill(:KILL, $$)\nend\n", "RUBY_EXECUTION_FAILED", 500),
        ("def handler(input)\n  Object.new\nend\n", "RUBY_EXECUTION_FAILED", 500),
        ("def handler(input)\n  def deep = deep\n  deep\nend\n", "RUBY_EXECUTION_FAILED", 500),
        ("raise 'while loading'\n", "RUBY_EXECUTION_FAILED", 500),
        ("def other(input) = 1\n", "RUBY_HANDLER_NOT_FOUND", 422),
        ("def handler(input) = eval('1 +')\n", "RUBY_EXECUTION_FAILED", 500),
        ("eval('def handler(input')\n", "RUBY_SYNTAX_ERROR", 422),
        ("def handler(input)\n  a = 'x'\n  loop { a *= 2 }\nend\n", "RUBY_MEMORY_EXCEEDED", 500),
        ("def handler(input) = sleep\n", "RUBY_TIMEOUT", 504),
    ],
)
async def test_each_way_code_can_fail_has_its_code_status_and_suggestion(
    circle: Circle, code: str, error: str, status: int
) -> None:
    element = await circle.ruby(code, timeout_ms=1000)
    problem = refused(await element.invoke({}), status, error)
    run = await element.run(problem["run_id"])
    assert (run["status"], run["error"]["code"]) == ("failed", error)
    assert run["error"]["_suggestion"] == problem["_suggestion"]


async def test_code_that_does_not_parse_is_never_saved_and_says_the_line(circle: Circle) -> None:
    problem = refused(
        await circle.create("bad", {"source": {"code": "def handler(input)\n  1 +\nend\n"}}),
        422,
        "RUBY_SYNTAX_ERROR",
    )
    assert "main.rb line" in problem["detail"]
    assert problem["errors"][0]["pointer"] == "/spec/source/code"


async def test_a_run_that_failed_keeps_its_problem_for_later(circle: Circle) -> None:
    element = await circle.ruby(FAIL)
    problem = refused(await element.invoke({"why": "later"}), 500, "RUBY_EXECUTION_FAILED")
    error = (await element.run(problem["run_id"]))["error"]
    assert error["message"] == problem["detail"]
    assert {name: error[name] for name in ("code", "class", "retryable")} == {
        name: problem[name] for name in ("code", "class", "retryable")
    }


async def test_a_query_that_is_not_utf8_is_refused(circle: Circle) -> None:
    element = await circle.ruby()
    refused(await element.get("/ops/runs?q=%ff"), 422, "INVALID_INPUT")


async def test_the_server_says_that_it_lives_is_ready_and_what_it_offers(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/livez")).status_code == 200
    assert (await http.get("/readyz")).status_code == 200
    assert (await http.get("/openapi.json")).json()["openapi"].startswith("3.1")


def _patched(spec: dict[str, Any], patch: list[dict[str, Any]]) -> dict[str, Any]:
    """RFC 6902, as far as these suggestions go: add, replace, remove and move of members of objects."""
    spec = deepcopy(spec)
    for step in patch:
        value = step.get("value")
        if step["op"] == "move":
            value = _parent(spec, step["from"]).pop(step["from"].rpartition("/")[2])
        if step["op"] == "remove":
            del _parent(spec, step["path"])[step["path"].rpartition("/")[2]]
        else:
            _parent(spec, step["path"])[step["path"].rpartition("/")[2]] = value
    return spec


def _parent(spec: dict[str, Any], pointer: str) -> dict[str, Any]:
    for name in pointer.split("/")[1:-1]:
        spec = spec[name]
    return spec
