"""One operation object: what goes in, what comes out, by which door."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from triform.chemistry.catalogue import ElementType, Operation
from triform.chemistry.openapi.components import COMPONENT, as_component, spec_name

RUN_HEADERS = (
    "Triform-Run-Id",
    "Triform-Cost-Micro-Au",
    "Triform-Version",
    "Triform-Env",
    "Server-Timing",
    "traceparent",
    "Location",
)
CREATE = "create"


@dataclass(frozen=True, slots=True)
class Described:
    """An operation as the types that have it declare it, and the types that can be created."""

    tag: str
    by_type: Mapping[str, Operation]
    creatable: Mapping[str, ElementType]

    @property
    def first(self) -> Operation:
        return next(iter(self.by_type.values()))

    @property
    def name(self) -> str:
        return self.first.name


def operation_object(described: Described, verb: str, operation_id: str) -> dict[str, Any]:
    """The OpenAPI operation object of one door (`verb`, lower case)."""
    first = described.first
    body = {"requestBody": _request_body(described)} if verb in ("post", "patch", "put") else {}
    return {
        "tags": [described.tag],
        "operationId": operation_id,
        "summary": first.summary,
        "description": first.description.strip(),
        "parameters": _parameters(described, verb),
        **body,
        "responses": _responses(described),
        "x-level": first.level,
        "x-types": sorted(described.by_type),
    }


def _parameters(described: Described, verb: str) -> list[dict[str, Any]]:
    first = described.first
    properties = first.input.document.get("properties", {})
    in_path = [_parameter(name, properties[name], "path", needed=True) for name in first.path_arguments]
    asked = {**first.query.document.get("properties", {})}
    if verb in ("get", "delete"):
        asked |= {name: schema for name, schema in properties.items() if name not in first.path_arguments}
    needed = first.input.document.get("required", ())
    in_query = [_parameter(name, schema, "query", needed=name in needed) for name, schema in asked.items()]
    return [*in_path, *in_query, *_headers(first, verb)]


def _parameter(name: str, schema: Mapping[str, Any], place: str, *, needed: bool) -> dict[str, Any]:
    rest = {key: value for key, value in schema.items() if key != "description"}
    parameter = {"name": name, "in": place, "required": needed, "schema": as_component(rest)}
    return {**parameter, "description": schema["description"]} if "description" in schema else parameter


def _headers(operation: Operation, verb: str) -> list[dict[str, Any]]:
    names = ["prefer", "idempotency_key"] if operation.recorded else []
    names += ["if_match"] if verb in ("patch", "delete") else []
    return [{"$ref": f"#/components/parameters/{name}"} for name in [*names, "traceparent"]]


def _request_body(described: Described) -> dict[str, Any]:
    schemas = [_input(operation) for operation in described.by_type.values()]
    if described.name == CREATE:
        schemas = [_creation(schemas[0], described.creatable)]
    required = any("required" in schema for schema in schemas)
    return {"required": required, "content": {"application/json": {"schema": _one_of(schemas)}}}


def _input(operation: Operation) -> dict[str, Any]:
    """The input without what the path says already."""
    schema: dict[str, Any] = as_component(operation.input.document)
    if not operation.path_arguments:
        return schema
    given = set(operation.path_arguments)
    required = [name for name in schema.get("required", ()) if name not in given]
    properties = {name: inner for name, inner in schema["properties"].items() if name not in given}
    rest = {key: value for key, value in schema.items() if key != "required"}
    return {**rest, "properties": properties, **({"required": required} if required else {})}


def _creation(schema: dict[str, Any], creatable: Mapping[str, ElementType]) -> dict[str, Any]:
    """What is created decides what its spec may be."""
    variants = [
        {"properties": {"element_type": {"const": name}, "spec": {"$ref": COMPONENT + spec_name(name)}}}
        for name in creatable
    ]
    return {**schema, "oneOf": variants} if variants else schema


def _responses(described: Described) -> dict[str, Any]:
    first = described.first
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for operation in described.by_type.values():
        by_kind.setdefault(operation.media_type, []).append(as_component(operation.output.document))
    content = {kind: {"schema": _one_of(schemas)} for kind, schemas in by_kind.items()}
    good: dict[str, Any] = {"description": "Done.", "content": content}
    names = RUN_HEADERS if first.recorded else ("ETag", "traceparent") if first.verb == "GET" else ("traceparent",)
    good["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    accepted = {"202": {"$ref": "#/components/responses/accepted"}} if first.recorded else {}
    return {str(first.success): good, **accepted, **_problems(described)}


def _problems(described: Described) -> dict[str, Any]:
    codes = dict.fromkeys(code for operation in described.by_type.values() for code in operation.errors)
    problem: dict[str, Any] = {"$ref": "#/components/responses/problem"}
    if codes:
        problem["description"] = "Among others: " + ", ".join(codes) + "."
    return {"default": problem}


def _one_of(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """The schemas of all types; one when they agree."""
    distinct = [schema for index, schema in enumerate(schemas) if schema not in schemas[:index]]
    return distinct[0] if len(distinct) == 1 else {"anyOf": distinct}
