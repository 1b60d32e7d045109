"""Schemas that operations share, and the spec of every type, as components."""

from collections.abc import Mapping
from typing import Any

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.schema import LOCAL

COMPONENT = "#/components/schemas/"


def component_schemas(catalogue: Catalogue) -> dict[str, Any]:
    """Every shared schema, one spec schema per type, and the list of error codes."""
    schemas: dict[str, Any] = {"error_code": {"type": "string", "enum": list(catalogue.errors)}}
    for element_type in catalogue.types.values():
        parts = [element_type.properties.document]
        for operation in element_type.operations.values():
            parts += [operation.input.document, operation.output.document]
        for part in parts:
            schemas |= {name: as_component(schema) for name, schema in part.get("$defs", {}).items()}
        schemas[spec_name(element_type.name)] = as_component(element_type.properties.document)
    return schemas


def spec_name(element_type: str) -> str:
    """The component that describes the spec of a type."""
    return f"spec_{element_type.replace('-', '_')}"


def as_component(schema: Any) -> Any:
    """A schema whose references lead to components instead of its own `$defs`."""
    if isinstance(schema, Mapping):
        return {key: _value(key, inner) for key, inner in schema.items() if key != "$defs"}
    return [as_component(item) for item in schema] if isinstance(schema, list) else schema


def _value(key: str, inner: Any) -> Any:
    if key == "$ref" and isinstance(inner, str):
        return inner.replace(LOCAL, COMPONENT)
    return as_component(inner)
