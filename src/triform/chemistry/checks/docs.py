"""What users meet is documented, down to the last nested property."""

from collections.abc import Iterator
from typing import Any

from triform.chemistry.complaints import DefinitionComplaint
from triform.chemistry.document import KeyPath
from triform.chemistry.inherit import Resolved
from triform.chemistry.schema import members


def check_docs(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    for name, schema in resolved.section("properties").items():
        yield from _check_described(resolved, ("properties", name), schema)
    for name, operation in resolved.section("ops").items():
        for argument, schema in members(operation.get("input")).items():
            yield from _check_described(resolved, ("ops", name, "input", "properties", argument), schema)
    if resolved.section("properties") and not resolved.examples:
        yield resolved.complaint((), "a type with properties needs at least one file in examples/")


def _check_described(resolved: Resolved, path: KeyPath, schema: Any) -> Iterator[DefinitionComplaint]:
    if not isinstance(schema, dict):
        return
    if not schema.get("description") and "$ref" not in schema:
        yield resolved.complaint(path, f"{'.'.join(map(str, path))} has no description")
    for name, inner in members(schema).items():
        yield from _check_described(resolved, (*path, "properties", name), inner)
