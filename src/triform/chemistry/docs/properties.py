"""A JSON Schema as rows of a table."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from triform.chemistry.docs.markdown import Row, code

HEADER = ("field", "type", "default", "bounds", "description")

_BOUNDS = {
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "exclusiveMinimum": "> {}",
    "exclusiveMaximum": "< {}",
    "minLength": "≥ {} characters",
    "maxLength": "≤ {} characters",
    "minItems": "≥ {} items",
    "maxItems": "≤ {} items",
    "maxProperties": "≤ {} members",
}


def property_rows(document: Mapping[str, Any], prefix: str = "") -> Iterator[Row]:
    """One row per property, nested ones by their dotted name."""
    required = document.get("required", ())
    for name, schema in document.get("properties", {}).items():
        label = code(prefix + name) + (" (required)" if name in required else "")
        yield label, type_of(schema), _default(schema), _bounds(schema), str(schema.get("description", ""))
        yield from property_rows(schema, f"{prefix}{name}.")


def type_of(schema: Mapping[str, Any]) -> str:
    """A schema's type in a word or two."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2].replace("_", " ")
    if "enum" in schema:
        return " · ".join(code(option) for option in schema["enum"])
    declared = schema.get("type", "any")
    name = " or ".join(declared) if isinstance(declared, list) else str(declared)
    return f"array of {type_of(schema['items'])}" if name == "array" and "items" in schema else name


def _default(schema: Mapping[str, Any]) -> str:
    return code(json.dumps(schema["default"])) if "default" in schema else ""


def _bounds(schema: Mapping[str, Any]) -> str:
    said = [text.format(schema[key]) for key, text in _BOUNDS.items() if key in schema]
    return ", ".join([*said, *([code(schema["format"])] if "format" in schema else [])])
