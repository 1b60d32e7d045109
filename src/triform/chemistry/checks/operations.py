"""Operations have distinct paths, sound schemas, known errors, and prices that belong to one of them."""

from collections.abc import Iterator
from itertools import combinations

from triform.chemistry.compile import compile_part
from triform.chemistry.complaints import DefinitionComplaint
from triform.chemistry.inherit import Resolved
from triform.chemistry.paths import arguments_of, shape_of
from triform.chemistry.schema import BadSchema, compile_schema, members


def check_operations(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    yield from _check_shared_schemas(resolved)
    for name in resolved.section("ops"):
        yield from _check_schemas(resolved, name)
        yield from _check_arguments(resolved, name)
        yield from _check_codes(resolved, name)
    yield from _check_paths(resolved)
    yield from _check_prices(resolved)


def _check_shared_schemas(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    for name, schema in resolved.section("schemas").items():
        try:
            compile_schema(schema, resolved.section("schemas"))
        except BadSchema as error:
            yield resolved.complaint(("schemas", name), f"schema {name!r} is not a JSON Schema: {error}")


def _check_schemas(resolved: Resolved, name: str) -> Iterator[DefinitionComplaint]:
    for part in ("input", "output", "query"):
        try:
            compile_part(resolved, name, part)
        except BadSchema as error:
            yield resolved.complaint(("ops", name, part), f"op {name!r}: {part} is not a JSON Schema: {error}")


def _check_arguments(resolved: Resolved, name: str) -> Iterator[DefinitionComplaint]:
    operation = resolved.section("ops")[name]
    known = members(operation.get("input"))
    for argument in arguments_of(operation["path"]):
        if argument not in known:
            yield resolved.complaint(
                ("ops", name, "path"), f"op {name!r}: path argument {argument!r} is not in its input"
            )


def _check_codes(resolved: Resolved, name: str) -> Iterator[DefinitionComplaint]:
    for index, code in enumerate(resolved.section("ops")[name].get("errors", ())):
        if code not in resolved.section("errors"):
            yield resolved.complaint(("ops", name, "errors", index), f"op {name!r}: unknown error code {code}")


def _check_paths(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    for (one, first), (other, second) in combinations(resolved.section("ops").items(), 2):
        if shape_of(first["path"]) == shape_of(second["path"]):
            yield resolved.complaint(
                ("ops", other, "path"),
                f"ops {one!r} and {other!r} share the path {second['path']!r}; POST could not tell them apart",
            )


def _check_prices(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    for name in resolved.section("pricing"):
        if name not in resolved.section("ops"):
            yield resolved.complaint(("pricing", name), f"price of unknown op {name!r}")
