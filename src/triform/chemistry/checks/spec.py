"""The spec's schema compiles, its defaults fit it, and its rules compile and point into it."""

from collections.abc import Iterator, Mapping
from typing import Any

from triform.chemistry.compile import compile_properties, compile_rule
from triform.chemistry.complaints import DefinitionComplaint
from triform.chemistry.inherit import Resolved
from triform.chemistry.rules import BadExpression, compile_expression, is_variable
from triform.chemistry.schema import BadSchema, compile_schema


def check_spec_schema(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    yield from _check_properties(resolved)
    yield from _check_required(resolved)
    yield from _check_rules(resolved)


def _check_properties(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    for name, schema in resolved.section("properties").items():
        path = ("properties", name)
        if not is_variable(name):
            yield resolved.complaint(path, f"property {name!r} cannot be a variable in a rule")
        try:
            compiled = compile_schema(schema, resolved.section("schemas"))
        except BadSchema as error:
            yield resolved.complaint(path, f"property {name!r} is not a JSON Schema: {error}")
            continue
        if "default" in schema:
            for wrong in compiled.check(compiled.complete(schema["default"])):
                yield resolved.complaint((*path, "default"), f"default of {name!r}{wrong.pointer} {wrong.message}")


def _check_required(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    for index, name in enumerate(resolved.value.get("required", ())):
        if name not in resolved.section("properties"):
            yield resolved.complaint(("required", index), f"required property {name!r} is not declared")


def _check_rules(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    for name, rule in resolved.section("rules").items():
        try:
            compile_rule(resolved, name)
        except BadExpression as error:
            yield resolved.complaint(("rules", name, _guilty(resolved, rule)), f"rule {name!r}: CEL {error}")
        if not _leads_somewhere(resolved, rule["pointer"]):
            yield resolved.complaint(
                ("rules", name, "pointer"), f"rule {name!r} points to {rule['pointer']}, which is not declared"
            )


def _guilty(resolved: Resolved, rule: Mapping[str, Any]) -> str:
    """Which of the two expressions does not compile."""
    try:
        compile_expression(rule["fails_unless"], resolved.section("properties"))
    except BadExpression:
        return "fails_unless"
    return "when"


def _leads_somewhere(resolved: Resolved, pointer: str) -> bool:
    """A declared member, or one the rules refuse by name although no schema has it."""
    steps = pointer.split("/")[1:]
    return len(steps) < 2 or steps[0] in resolved.section("properties")


def spec_schema_is_sound(resolved: Resolved) -> bool:
    """Whether specs can be checked against this definition at all."""
    try:
        compile_properties(resolved)
        for name in resolved.section("rules"):
            compile_rule(resolved, name)
    except (BadSchema, BadExpression):
        return False
    return True
