"""Operations as MCP tool definitions: what a `tools/list` answers for one element."""

from collections.abc import Callable, Mapping
from typing import Any

from triform.chemistry.element_type import ElementType
from triform.chemistry.operation import Operation

_ANY_OBJECT: Mapping[str, Any] = {"type": "object", "additionalProperties": True}


def tools(element_type: ElementType, allowed: Callable[[Operation], bool]) -> list[dict[str, Any]]:
    """One tool per operation that is allowed."""
    return [tool_of(operation) for operation in element_type.operations.values() if allowed(operation)]


def tool_of(operation: Operation) -> dict[str, Any]:
    """`{name, description, inputSchema, outputSchema?, annotations}`."""
    tool = {
        "name": operation.name,
        "description": f"{operation.summary}\n\n{operation.description.strip()}",
        "inputSchema": _object_schema(operation.input.document) or dict(_ANY_OBJECT),
        "annotations": _annotations(operation),
    }
    output = _object_schema(operation.output.document)
    return {**tool, "outputSchema": output} if output else tool


def _object_schema(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """MCP takes object schemas only: a reference is opened up, anything else cannot be said."""
    if "$ref" in document:
        definitions = document.get("$defs", {})
        name = str(document["$ref"]).rpartition("/")[2]
        document = {**definitions.get(name, {}), "$defs": definitions}
    return dict(document) if document.get("type") == "object" else None


def _annotations(operation: Operation) -> dict[str, Any]:
    """Hints for agents: whether it only reads, may destroy, may be repeated, reaches outside the circle."""
    return {
        "title": operation.summary.rstrip("."),
        "readOnlyHint": operation.verb == "GET",
        "destructiveHint": operation.verb == "DELETE",
        "idempotentHint": operation.verb in ("GET", "DELETE", "PUT"),
        "openWorldHint": False,
    }
