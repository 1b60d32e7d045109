"""From a merged definition that passed every check to the frozen element type."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from triform.chemistry.document import Document
from triform.chemistry.element_type import ElementType
from triform.chemistry.inherit import Resolved
from triform.chemistry.model import (
    DeclaredError,
    Docs,
    EnvironmentEntry,
    Event,
    Example,
    ExampleCall,
    Hooks,
    Metric,
    Port,
    Price,
    Provenance,
    Provides,
)
from triform.chemistry.operation import JSON, Operation
from triform.chemistry.paths import arguments_of, path_table
from triform.chemistry.rules import Rule, RuleSet, compile_expression
from triform.chemistry.schema import CompiledSchema, compile_schema, members
from triform.chemistry.wording import pointer
from triform.errors import Suggestion

_PROVENANCE_DEPTH = 2


def compile_type(resolved: Resolved) -> ElementType:
    """Compile one type. Trusts the checks: what they let through does not fail here."""
    value = resolved.value
    operations = {name: compile_operation(resolved, name) for name in resolved.section("ops")}
    properties = compile_properties(resolved)
    return ElementType(
        name=resolved.name,
        category=resolved.category,
        form=value["form"],
        symbol=value["symbol"],
        colour=value["colour"],
        title=value["title"],
        one_line=value["one_line"],
        tenant=value.get("tenant", False),
        accepts_children=value.get("accepts_children", False),
        attaches=frozenset(value.get("attaches", ())),
        uses=frozenset(value.get("uses", ())),
        references=MappingProxyType(resolved.section("references")),
        promoted=value.get("promoted"),
        provides=_provides(resolved.section("provides")),
        intentions=MappingProxyType(resolved.section("intention")),
        substrate=value["substrate"],
        language=value.get("language"),
        limits=MappingProxyType(resolved.section("limits")),
        hooks=Hooks(**{moment: tuple(names) for moment, names in resolved.section("hooks").items()}),
        end_causes=MappingProxyType(resolved.section("end_causes")),
        ports=tuple(_port(name, port) for name, port in resolved.section("ports").items()),
        operations=MappingProxyType(operations),
        errors=MappingProxyType({code: _error(resolved, code) for code in resolved.section("errors")}),
        metrics=tuple(_metric(name, metric) for name, metric in resolved.section("metrics").items()),
        events=tuple(_event(name, event) for name, event in resolved.section("events").items()),
        examples=tuple(compile_example(document) for document in resolved.examples),
        docs=_docs(value),
        properties=properties,
        rules=RuleSet(tuple(compile_rule(resolved, name) for name in resolved.section("rules"))),
        provenance=MappingProxyType(_provenance(resolved)),
        routes=path_table({name: operation.path for name, operation in operations.items()}),
    )


def compile_operation(resolved: Resolved, name: str) -> Operation:
    """Compile one operation, its defaults filled in. Raises BadSchema."""
    declared = resolved.section("ops")[name]
    substrate = declared.get("substrate", resolved.value["substrate"])
    query = compile_part(resolved, name, "query")
    return Operation(
        name=name,
        verb=declared["verb"],
        path=declared["path"],
        path_arguments=arguments_of(declared["path"]),
        level=declared["level"],
        summary=declared["summary"],
        description=declared["description"],
        substrate=substrate,
        execution=declared.get("execution", substrate != "platform"),
        recorded=declared.get("recorded", declared["verb"] != "GET"),
        success=declared.get("success", 200),
        envelope=declared.get("envelope", False),
        implementation=declared.get("implementation", name.replace("-", "_")),
        errors=tuple(declared.get("errors", ())),
        prices=tuple(Price(**rule) for rule in resolved.section("pricing").get(name, ())),
        provenance=resolved.provenance("ops", name),
        input=compile_part(resolved, name, "input"),
        output=compile_part(resolved, name, "output"),
        query=query,
        has_env="env" in members(query.document),
        replays=declared.get("replays", False),
        media_type=declared.get("media_type", JSON),
    )


NO_ARGUMENTS: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


def compile_part(resolved: Resolved, operation: str, part: str) -> CompiledSchema:
    """The `input`, `output` or `query` schema of an operation. Raises BadSchema."""
    declared = resolved.section("ops")[operation].get(part, NO_ARGUMENTS)
    return compile_schema(declared, resolved.section("schemas"))


def compile_properties(resolved: Resolved) -> CompiledSchema:
    """The schema of a spec: closed, so that a misspelt property is refused. Raises BadSchema."""
    document = {
        "type": "object",
        "properties": resolved.section("properties"),
        "required": resolved.value.get("required", []),
        "additionalProperties": False,
    }
    return compile_schema(document, resolved.section("schemas"))


def compile_rule(resolved: Resolved, name: str) -> Rule:
    """Compile one rule. Raises BadExpression."""
    declared, properties = resolved.section("rules")[name], resolved.section("properties")
    when = declared.get("when")
    return Rule(
        name=name,
        severity=declared["severity"],
        message=declared["message"],
        pointer=declared["pointer"],
        suggestion=_suggestion(declared.get("suggestion")),
        when=compile_expression(when, properties) if when else None,
        fails_unless=compile_expression(declared["fails_unless"], properties),
    )


def compile_example(document: Document) -> Example:
    """An example file as a value."""
    value = document.value
    calls = tuple(ExampleCall(**{"input": {}, **call}) for call in value["calls"])
    return Example(document.file.stem, value["title"], value["description"], value["spec"], calls)


def _provides(declared: Mapping[str, Any]) -> Provides:
    entry = declared.get("environment")
    return Provides(EnvironmentEntry(**entry) if entry else None)


def _suggestion(declared: Mapping[str, Any] | None) -> Suggestion | None:
    if declared is None:
        return None
    patch = tuple(declared["patch"]) if "patch" in declared else None
    return Suggestion(**{**declared, "patch": patch})


def _error(resolved: Resolved, code: str) -> DeclaredError:
    declared = resolved.section("errors")[code]
    parts = {key: declared.get(key) for key in ("why", "fix", "op", "example", "docs")}
    return DeclaredError(
        code=code,
        kind=declared["class"],
        retryable=declared["retryable"],
        title=declared["title"],
        description=declared["description"].strip(),
        suggestion=Suggestion(code=code, **parts),
        provenance=resolved.provenance("errors", code),
    )


def _port(name: str, declared: Mapping[str, Any]) -> Port:
    return Port(
        name=name,
        direction=declared["direction"],
        kind=declared["kind"],
        required=declared.get("required", False),
        description=declared["description"],
        schema=declared.get("schema", {}),
    )


def _metric(name: str, declared: Mapping[str, Any]) -> Metric:
    return Metric(name=name, **{**declared, "operations": tuple(declared.get("operations", ()))})


def _event(name: str, declared: Mapping[str, Any]) -> Event:
    return Event(name, declared["moment"], tuple(declared["operations"]), declared["description"])


def _docs(value: Mapping[str, Any]) -> Docs:
    return Docs(
        guide=value["guide"],
        when_to_use=tuple(value.get("when_to_use", ())),
        when_not_to_use=tuple(value.get("when_not_to_use", ())),
        mistakes=tuple((entry["title"], entry["text"]) for entry in value.get("mistakes", ())),
        capabilities=tuple(value.get("capabilities", {}).items()),
    )


def _provenance(resolved: Resolved) -> dict[str, Provenance]:
    known = resolved.origins.items()
    return {pointer(path): origin.provenance for path, origin in known if len(path) <= _PROVENANCE_DEPTH}
