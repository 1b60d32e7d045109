"""The shape of definition files, themselves described in JSON Schema (`shapes/*.yaml`).

What does not fit is complained about and cut out, so that later checks see sound values and still find the rest.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from triform.chemistry.complaints import DefinitionComplaint
from triform.chemistry.document import Document, KeyPath, read_document
from triform.chemistry.folders import FILES
from triform.chemistry.inherit import Resolved, without_switches
from triform.chemistry.schema import CompiledSchema, compile_schema
from triform.chemistry.wording import complaints_of

SHAPES = Path(__file__).parent / "shapes"
_ENTRY_DEPTH = 2


def check_document(name: str, document: Document) -> Iterator[DefinitionComplaint]:
    """Complain about one file and cut out what does not fit. What is missing may yet be inherited."""
    switched = without_switches(document.value)
    for error in _shape(name).errors(switched):
        if error.kind.name != "required":
            yield from _refuse(document, error, _shape(name))


def check_example(document: Document) -> list[DefinitionComplaint]:
    """Everything wrong with an example file."""
    shape = _shape("example")
    return [
        DefinitionComplaint(document.place(tuple(error.instance_path)), _say(error, shape))
        for error in shape.errors(document.value)
    ]


def check_resolved(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    """Complain about what is missing after the cascade and cut out the incomplete entries."""
    for error in _whole().errors(resolved.value):
        if error.kind.name == "required":
            path = tuple(error.instance_path)
            yield resolved.complaint(path, f"{_where(path)}{error.kind.as_dict()['property']} is missing")
            if len(path) >= _ENTRY_DEPTH:
                _cut(resolved.value, path[:_ENTRY_DEPTH])


def _refuse(document: Document, error: jsonschema_rs.ValidationError, shape: CompiledSchema) -> Iterator[Any]:
    at = tuple(error.instance_path)
    unknown = error.kind.name == "additionalProperties"
    paths = [(*at, key) for key in error.kind.as_dict()["unexpected"]] if unknown else [at]
    for path, complaint in zip(paths, complaints_of(error, shape.document), strict=True):
        yield DefinitionComplaint(document.place(path), f"{'/'.join(map(str, path))} {complaint.message}")
        _cut(document.value, path)


def _say(error: jsonschema_rs.ValidationError, shape: CompiledSchema) -> str:
    return "; ".join(f"{c.pointer.strip('/')} {c.message}" for c in complaints_of(error, shape.document))


def _where(path: KeyPath) -> str:
    return "".join(f"{step}." for step in path)


def _cut(value: Any, path: KeyPath) -> None:
    """Remove the value at a path; inside a list, the whole list."""
    keys = path[: next((n for n, step in enumerate(path) if isinstance(step, int)), len(path))]
    for key in keys[:-1]:
        value = value.get(key, {}) if isinstance(value, dict) else {}
    if keys and isinstance(value, dict):
        value.pop(keys[-1], None)


@cache
def _raw(name: str) -> dict[str, Any]:
    document, complaints = read_document(SHAPES / f"{name}.yaml")
    if document is None or complaints:
        raise RuntimeError(f"broken shape: {complaints}")
    return document.value


@cache
def _shape(name: str) -> CompiledSchema:
    return compile_schema(_raw(name), _raw("shared"))


@cache
def _whole() -> CompiledSchema:
    """All files' shapes as one, for the merged definition."""
    raws = [_raw(name) for name in FILES]
    return compile_schema(
        {
            "type": "object",
            "properties": {key: inner for raw in raws for key, inner in raw["properties"].items()},
            "required": [key for raw in raws for key in raw.get("required", ())],
        },
        _raw("shared"),
    )
