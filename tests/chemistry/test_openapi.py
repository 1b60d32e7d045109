"""The description is OpenAPI 3.1 in structure, complete, and leads nowhere that is not there."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.openapi import document

VERBS = {"get", "put", "post", "patch", "delete", "head", "options", "trace"}


@pytest.fixture(scope="module")
def described(catalogue: Catalogue) -> dict[str, Any]:
    return document(catalogue, "1.2.3")


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(child)


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in described["paths"].items():
        for verb in VERBS & set(item):
            yield path, verb, item[verb]


def test_it_is_plain_json_of_version_3_1(described: dict[str, Any]) -> None:
    assert json.loads(json.dumps(described)) == described
    assert re.fullmatch(r"3\.1\.\d+", described["openapi"])
    assert described["info"]["version"] == "1.2.3"
    assert set(described) <= {
        "openapi", "info", "jsonSchemaDialect", "servers", "paths", "webhooks", "components", "security", "tags",
        "externalDocs",
    }  # fmt: skip


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    for node in nodes(described):
        if isinstance(node.get("$ref"), str):
            found: Any = described
            assert node["$ref"].startswith("#/components/")
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]


def test_every_schema_is_json_schema_2020_12(described: dict[str, Any]) -> None:
    for schema in described["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": described["jsonSchemaDialect"], **schema})
    for _, _, operation in operations(described):
        for parameter in operation.get("parameters", ()):
            jsonschema_rs.meta.validate(parameter.get("schema", {}))


def test_path_parameters_are_those_of_the_path(described: dict[str, Any]) -> None:
    named = described["components"]["parameters"]
    for path, item in described["paths"].items():
        for verb in VERBS & set(item):
            given = [*item.get("parameters", ()), *item[verb].get("parameters", ())]
            resolved = [named[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in given]
            in_path = [p["name"] for p in resolved if p["in"] == "path"]
            assert sorted(in_path) == sorted(re.findall(r"\{(\w+)\}", path))
            assert all(p["required"] is True for p in resolved if p["in"] == "path")
            assert not [k for k, n in Counter((p["name"], p["in"]) for p in resolved).items() if n > 1]


def test_every_operation_has_an_id_of_its_own_a_good_answer_and_problems(described: dict[str, Any]) -> None:
    ids = Counter(operation["operationId"] for _, _, operation in operations(described))
    assert [name for name, count in ids.items() if count > 1] == []
    for path, _, operation in operations(described):
        assert any(re.fullmatch(r"2\d\d", status) for status in operation["responses"])
        assert all(re.fullmatch(r"[1-5]\d\d|default", status) for status in operation["responses"])
        assert "default" in operation["responses"] or not path.startswith("/api/")
        assert all("description" in r or "$ref" in r for r in operation["responses"].values())
        assert set(operation["tags"]) <= {tag["name"] for tag in described["tags"]}


def test_every_operation_of_every_type_is_there_by_its_verb_and_by_post(
    catalogue: Catalogue, described: dict[str, Any]
) -> None:
    for element_type in catalogue.types.values():
        address = "/api/{circle}/ops/" if element_type.tenant else "/api/{circle}/{slug}/ops/"
        for operation in element_type.operations.values():
            item = described["paths"][address + operation.path]
            assert {operation.verb.lower(), "post"} <= set(item)
            assert element_type.name in item["post"]["x-types"]


def test_creating_tells_what_each_type_wants(described: dict[str, Any]) -> None:
    content = described["paths"]["/api/{circle}/"]["post"]["requestBody"]["content"]["application/json"]
    assert content["schema"]["oneOf"] == [
        {"properties": {"element_type": {"const": name}, "spec": {"$ref": f"#/components/schemas/spec_{name}"}}}
        for name in ("ruby", "project", "variable")
    ]


def test_every_error_code_is_listed(catalogue: Catalogue, described: dict[str, Any]) -> None:
    assert described["components"]["schemas"]["error_code"]["enum"] == list(catalogue.errors)


def test_doors_for_people_and_probes_are_described(described: dict[str, Any]) -> None:
    doors = {"/api/auth/dev", "/api/auth/login", "/api/auth/refresh", "/api/auth/logout", "/livez", "/readyz"}
    assert doors <= set(described["paths"])
    assert set(described["components"]["securitySchemes"]) == {"bearer", "cookie"}


def test_two_documents_do_not_share_what_a_caller_may_change(catalogue: Catalogue) -> None:
    document(catalogue, "1")["paths"].clear()
    assert document(catalogue, "1")["paths"]
