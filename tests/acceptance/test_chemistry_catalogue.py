"""What chemistry declares is what the server does, says and offers."""

import json
from pathlib import Path
from typing import Any

import pytest

import triform.chemistry
from tests.acceptance.client import ECHO, Circle, refused
from tests.acceptance.conftest import StartServer
from tests.acceptance.examples import examples, play
from tests.shipped import CATALOGUE

DEFINITIONS = Path(triform.chemistry.__file__).parent / "definitions"
OPERATIONS = [
    pytest.param(kind.name, operation, id=f"{kind.name}-{operation.name}")
    for kind in CATALOGUE.types.values()
    for operation in kind.operations.values()
]


@pytest.mark.parametrize("path", examples(DEFINITIONS), ids=lambda path: path.stem)
async def test_examples_do_what_they_say(circle: Circle, path: Path) -> None:
    await play(circle, path)


async def test_every_type_that_is_not_a_tenant_has_examples() -> None:
    shown = {path.parent.parent.name for path in examples(DEFINITIONS)}
    assert shown == {name for name, kind in CATALOGUE.types.items() if not kind.tenant}


async def test_openapi_describes_every_operation_at_its_address(circle: Circle) -> None:
    described = (await circle.http.get("/openapi.json")).json()
    assert described["openapi"].startswith("3.1")
    for kind in CATALOGUE.types.values():
        place = "/api/{circle}/ops/" if kind.tenant else "/api/{circle}/{slug}/ops/"
        for operation in kind.operations.values():
            item = described["paths"][place + operation.path]
            assert kind.name in item[operation.verb.lower()]["x-types"], (kind.name, operation.name)
            assert kind.name in item["post"]["x-types"], (kind.name, operation.name)


async def test_the_schema_of_an_element_offers_its_operations_as_tools(circle: Circle) -> None:
    element = await circle.ruby()
    tools = (await element.get("/ops/schema")).json()["tools"]
    assert {"invoke", "deploy", "runs", "get"} <= {tool["name"] for tool in tools}
    for tool in tools:
        assert set(tool) >= {"name", "description", "inputSchema"}, tool
        assert tool["inputSchema"]["type"] == "object", tool


async def test_an_element_says_where_each_part_of_it_was_declared(circle: Circle) -> None:
    provenance = (await (await circle.ruby()).get()).json()["provenance"]
    assert set(provenance.values()) == {"root", "category", "element"}
    places = {"/ops/get": "root", "/pricing/invoke": "category", "/properties/memory_mb": "element"}
    assert {pointer: provenance[pointer] for pointer in places} == places


async def test_defaults_are_filled_in(circle: Circle) -> None:
    spec = (await (await circle.ruby()).get()).json()["spec"]
    assert (spec["handler"], spec["memory_mb"], spec["timeout_ms"]) == ("handler", 128, 30_000)
    assert spec["source"] == {"type": "inline", "code": ECHO, "requirements": []}
    assert spec["retry"] == {"max_attempts": 3, "backoff_ms": 1000, "backoff_multiplier": 2.0}


async def test_a_warning_lets_the_save_through_and_is_shown_again(circle: Circle) -> None:
    answer = await circle.create("large", {"source": {"code": ECHO}, "memory_mb": 3000, "timeout_ms": 600_000})
    assert answer.status_code == 201
    assert sorted(warning["pointer"] for warning in answer.json()["warnings"]) == [
        "/spec/memory_mb",
        "/spec/timeout_ms",
    ]
    again = (await circle.get("/large")).json()
    assert again["warnings"] == answer.json()["warnings"]


async def test_all_complaints_come_at_once(circle: Circle) -> None:
    spec = {"source": {"code": ""}, "memory_mb": 1, "timeout_ms": "soon", "colour": "red"}
    problem = refused(await circle.create("odd", spec), 422, "INVALID_SPEC")
    pointers = {error["pointer"] for error in problem["errors"]}
    assert {"/spec/memory_mb", "/spec/timeout_ms"} <= pointers
    assert len(problem["errors"]) >= 3


async def test_an_unknown_type_is_refused_with_the_ones_there_are(circle: Circle) -> None:
    problem = refused(
        await circle.post("/", {"element_type": "cobol", "slug": "x", "spec": {}}), 422, "UNKNOWN_ELEMENT_TYPE"
    )
    assert "ruby" in json.dumps(problem)


NONSENSE = {
    "oa": ("runtime.yaml", "language: ruby\nhooks: {before: [make_coffee]}\n", "make_coffee"),
    "ob": (
        "validation.yaml",
        "rules: {odd: {fails_unless: '((', severity: error, pointer: /a, message: m}}\n",
        "odd",
    ),
    "oc": (
        "pricing.yaml",
        "pricing: {nothing_such: [{dimension: per_invocation, amount_micro_au: 5}]}\n",
        "nothing_such",
    ),
    "od": ("definition.yaml", "symbol: too-long\n", "symbol"),
    "oe": ("surprise.yaml", "a: 1\n", "surprise.yaml"),
}
"""By the name of a type: a file of it, what is in there, and what is to be said of it."""


async def test_definitions_that_make_no_sense_stop_the_start_and_it_is_said_where(
    start_server: StartServer, tmp_path: Path
) -> None:
    for name, (file, text, _) in NONSENSE.items():
        folder = tmp_path / "more" / "actions" / name
        folder.mkdir(parents=True)
        definition = f"symbol: {name.title()}\ncolour: '#00AA00'\ntitle: Odd\none_line: Odd.\n"
        (folder / "definition.yaml").write_text(definition)
        (folder / "docs.yaml").write_text("guide: None.\n")
        (folder / file).write_text((definition if file == "definition.yaml" else "") + text)
    with pytest.raises(RuntimeError) as refusal:
        start_server(definitions=json.dumps([str(tmp_path / "more")]))
    said = str(refusal.value).splitlines()
    for name, (file, _, complaint) in NONSENSE.items():
        assert any(f"actions/{name}/{file}" in line and complaint in line for line in said), (name, said)
    assert "Traceback" not in str(refusal.value)


@pytest.mark.parametrize(("kind", "operation"), OPERATIONS)
async def test_every_operation_is_there_by_its_verb_and_by_post(circle: Circle, kind: str, operation: Any) -> None:
    """There: whatever it answers to nonsense, it is not that there is nothing."""
    base = "/ops/" if CATALOGUE.type(kind).tenant else f"/{(await circle.ruby()).slug}/ops/"
    path = base + operation.path.replace("{run_id}", "01980000-0000-7000-8000-000000000000")
    for verb in {operation.verb, "POST"} - {"DELETE"}:
        answer = await circle.request(verb, path, **({} if verb == "GET" else {"json": {"nonsense": True}}))
        assert answer.status_code not in (405, 500), answer.text
        found = answer.status_code != 404 or "{run_id}" in operation.path or "member" in operation.path
        assert found or answer.json()["detail"] != "There is nothing at this address.", answer.text
    allowed = {operation.verb, "POST"}
    wrong = next(verb for verb in ("PUT", "DELETE") if verb not in allowed)
    answer = await circle.request(wrong, path)
    assert answer.status_code == 405
    assert allowed <= {verb.strip() for verb in answer.headers["Allow"].split(",")}
