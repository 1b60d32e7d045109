"""An element type and a language that the product has never heard of, from two folders: no code is touched.

The type `rpn` has a category, operations, prices, limits and errors of its own; its language is a small one for
sums, whose harness shares the runtime image of another language and cannot fork.
"""

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import server as processes
from tests.acceptance.client import Circle, Json, lines_of, refused, run_id_of
from tests.acceptance.conftest import client_of, sign_in
from tests.acceptance.examples import examples, play
from tests.acceptance.server import Server
from tests.copies import DataDirs

TOYS = Path(__file__).parent / "toys"


@pytest.fixture(scope="module")
def toy_server(tmp_path_factory: pytest.TempPathFactory, new_data_dir: DataDirs) -> Iterator[Server]:
    """A server that was given the two folders, and nothing else."""
    folder = tmp_path_factory.mktemp("toys")
    folder.chmod(0o755)
    shutil.copytree(TOYS, folder / "more")
    settings = {name: json.dumps([str(folder / "more" / name)]) for name in ("definitions", "harnesses")}
    running = processes.start(new_data_dir("toy-server"), **settings)
    yield running
    running.stop()


@pytest.fixture
async def circle(toy_server: Server) -> AsyncIterator[Circle]:
    async with client_of(toy_server) as http:
        yield await sign_in(http)


async def made(circle: Circle, code: str = "a b +", slug: str = "sum", **spec: Any) -> Json:
    asked = {"element_type": "rpn", "slug": slug, "spec": {"program": {"code": code}, **spec}}
    answer = await circle.post("/", asked)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_it_is_created_like_any_other(circle: Circle) -> None:
    element = await made(circle)
    assert (element["element_type"], element["category"], element["form"]) == ("rpn", "sums", "atom")
    assert element["spec"] == {"program": {"code": "a b +"}, "patience_ms": 2000, "room_mb": 64}
    assert (element["state"], element["version"], element["warnings"]) == ("ready", 1, [])


async def test_its_own_operation_runs_its_language(circle: Circle) -> None:
    await made(circle)
    answer = await circle.post("/sum/ops/calculate", {"a": 1, "b": 41})
    assert (answer.status_code, answer.json()) == (200, 42)


async def test_its_runs_are_runs_like_any_other(circle: Circle) -> None:
    await made(circle, "a print 2 *")
    answer = await circle.post("/sum/ops/calculate", {"a": 21})
    run = (await circle.get(f"/sum/ops/runs/{run_id_of(answer)}")).json()
    assert (run["operation"], run["status"], run["input"], run["output"]) == (
        "calculate",
        "completed",
        {"a": 21},
        42,
    )
    assert (lines_of(run), run["isolation"]) == (["21"], "process")
    assert [each["run_id"] for each in (await circle.get("/sum/ops/runs")).json()["runs"]] == [run["run_id"]]


async def test_it_is_billed_by_its_own_prices(circle: Circle) -> None:
    await made(circle)
    before = (await circle.wallet())["balance_micro_au"]
    answer = await circle.post("/sum/ops/calculate", {"a": 1, "b": 2})
    debits = {
        entry["dimension"]: -entry["amount_micro_au"] for entry in await circle.entries(run_id=run_id_of(answer))
    }
    assert debits["per_invocation"] == 300
    assert 0 < debits["per_second"] <= 14
    assert (await circle.wallet())["balance_micro_au"] == before - sum(debits.values())
    assert int(answer.headers["Triform-Cost-Micro-Au"]) == sum(debits.values())


async def test_what_depends_on_use_is_quoted_once_there_was_some(circle: Circle) -> None:
    await made(circle)
    before = (await circle.get("/sum/ops/calculate/quote")).json()
    seconds = next(line for line in before["lines"] if line["dimension"] == "per_second")
    assert (before["expected_micro_au"], seconds["expected_micro_au"]) == (None, None)
    patience = 2 * 7  # two seconds, once: this type does not retry
    assert (before["most_micro_au"], seconds["most_micro_au"]) == (300 + patience, patience)
    await circle.post("/sum/ops/calculate", {"a": 1, "b": 41})
    after = (await circle.get("/sum/ops/calculate/quote")).json()
    assert 300 < after["expected_micro_au"] <= before["most_micro_au"]


async def test_its_code_is_looked_at_when_saved(circle: Circle) -> None:
    asked = {"element_type": "rpn", "slug": "odd", "spec": {"program": {"code": "1 2 +\n3 % 4"}}}
    problem = refused(await circle.post("/", asked), 422, "RPN_NOT_A_FORMULA")
    assert problem["detail"].startswith("main.rpn line 2")
    assert problem["errors"][0]["pointer"] == "/spec/program/code"
    await made(circle)
    refused(
        await circle.request("PATCH", "/sum", json={"spec": {"program": {"code": "!"}}}), 422, "RPN_NOT_A_FORMULA"
    )


async def test_its_spec_obeys_its_schema_and_its_rules(circle: Circle) -> None:
    asked: Json = {
        "element_type": "rpn",
        "slug": "odd",
        "spec": {"program": {"code": "1"}, "room_mb": 7, "colour": "red"},
    }
    problem = refused(await circle.post("/", asked), 422, "INVALID_SPEC")
    assert {error["pointer"] for error in problem["errors"]} >= {"/spec/room_mb"}
    asked["spec"] = {"program": {}}
    problem = refused(await circle.post("/", asked), 422, "INVALID_SPEC")
    assert [error["pointer"] for error in problem["errors"]] == ["/spec/program/code"]
    assert [w["pointer"] for w in (await made(circle, patience_ms=200))["warnings"]] == ["/spec/patience_ms"]


async def test_its_input_obeys_its_operation_s_schema(circle: Circle) -> None:
    await made(circle)
    refused(await circle.post("/sum/ops/calculate", {"a": "one"}), 422, "INVALID_INPUT")


async def test_its_failures_have_its_own_names_and_the_line(circle: Circle) -> None:
    await made(circle, "a\n0\n/")
    problem = refused(await circle.post("/sum/ops/calculate", {"a": 1}), 500, "RPN_STUMBLED")
    assert problem["detail"] == "Stumble: divided by zero (main.rpn:3)"
    assert problem["exception"]["source"]["line"] == 3


async def test_its_own_limit_of_time_holds(circle: Circle) -> None:
    await made(circle, "1 print forever", patience_ms=300)
    problem = refused(await circle.post("/sum/ops/calculate", {}), 504, "RPN_TOO_SLOW")
    assert "300 ms" in problem["detail"]
    assert problem["_suggestion"]["patch"] == [{"op": "add", "path": "/patience_ms", "value": 600}]
    assert lines_of((await circle.get(f"/sum/ops/runs/{problem['run_id']}")).json()) == ["1"]


async def test_it_is_deployed_by_the_operation_it_calls_otherwise(circle: Circle) -> None:
    await made(circle)
    answer = await circle.request("PUT", "/sum/ops/made-ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "deployed")
    assert (await circle.get("/sum")).json()["state"] == "deployed"
    assert (await circle.post("/sum/ops/calculate", {"a": 1, "b": 2})).json() == 3


async def test_it_has_none_of_the_operations_of_others(circle: Circle) -> None:
    await made(circle)
    refused(await circle.post("/sum/ops/invoke", {}), 404, "NOT_FOUND")
    answer = await circle.request("DELETE", "/sum/ops/calculate")
    refused(answer, 405, "METHOD_NOT_ALLOWED")


async def test_it_runs_in_the_background_too(circle: Circle) -> None:
    await made(circle)
    answer = await circle.post("/sum/ops/calculate", {"a": 1, "b": 2}, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    run = (await circle.get(f"/sum/ops/runs/{answer.json()['run_id']}", params={"wait": "30"})).json()
    assert (run["status"], run["output"]) == ("completed", 3)


async def test_it_is_described_and_offered_like_any_other(circle: Circle) -> None:
    await made(circle)
    described = (await circle.http.get("/openapi.json")).json()
    assert "rpn" in described["paths"]["/api/{circle}/{slug}/ops/calculate"]["post"]["x-types"]
    assert "rpn" in described["paths"]["/api/{circle}/{slug}/ops/made-ready"]["put"]["x-types"]
    assert described["components"]["schemas"]["spec_rpn"]["properties"]["patience_ms"]["maximum"] == 9000
    tools = {tool["name"]: tool for tool in (await circle.get("/sum/ops/schema")).json()["tools"]}
    assert tools["calculate"]["inputSchema"]["additionalProperties"] == {"type": "number"}
    provenance = (await circle.get("/sum")).json()["provenance"]
    assert provenance["/ops/calculate"] == "category"
    assert provenance["/properties/patience_ms"] == "element"
    assert provenance["/ops/get"] == "root"


async def test_it_lives_beside_the_types_that_were_there(circle: Circle) -> None:
    await made(circle)
    ruby = await circle.ruby()
    assert (await ruby.invoke({"a": 1})).json() == {"a": 1}
    kinds = {
        child["slug"]: child["element_type"] for child in (await circle.get("/ops/children")).json()["children"]
    }
    assert kinds == {"sum": "rpn", ruby.slug: "ruby"}


@pytest.mark.parametrize("path", examples(TOYS / "definitions"), ids=lambda path: path.stem)
async def test_its_examples_do_what_they_say(circle: Circle, path: Path) -> None:
    await play(circle, path)


async def test_it_is_measured_under_its_own_names(circle: Circle) -> None:
    await made(circle)
    await circle.post("/sum/ops/calculate", {"a": 1, "b": 2})
    assert "rpn_sums" in (await circle.http.get("/metrics")).text
