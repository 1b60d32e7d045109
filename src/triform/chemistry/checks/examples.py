"""Examples are specs the type accepts, calling operations it has with input they take."""

from collections.abc import Iterator
from typing import Any

from triform.chemistry.checks.spec import spec_schema_is_sound
from triform.chemistry.compile import compile_part, compile_properties, compile_rule
from triform.chemistry.complaints import DefinitionComplaint
from triform.chemistry.document import Document
from triform.chemistry.inherit import Resolved
from triform.chemistry.rules import RuleSet
from triform.chemistry.schema import BadSchema
from triform.chemistry.shape import check_example


def check_examples(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    for document in resolved.examples:
        malformed = check_example(document)
        yield from malformed
        if not malformed:
            yield from _check_spec(resolved, document)
            for index, call in enumerate(document.value["calls"]):
                yield from _check_call(resolved, document, index, call)


def _check_spec(resolved: Resolved, document: Document) -> Iterator[DefinitionComplaint]:
    if not spec_schema_is_sound(resolved):
        return
    rules = RuleSet(tuple(compile_rule(resolved, name) for name in resolved.section("rules")))
    for wrong in rules.check(document.value["spec"], compile_properties(resolved)).errors:
        path = ("spec", *wrong.pointer.split("/")[1:])
        yield DefinitionComplaint(document.place(path), f"example spec: {wrong.pointer} {wrong.message}")


def _check_call(resolved: Resolved, document: Document, index: int, call: Any) -> Iterator[DefinitionComplaint]:
    place = document.place(("calls", index))
    if call["operation"] not in resolved.section("ops"):
        yield DefinitionComplaint(place, f"example calls unknown op {call['operation']!r}")
        return
    try:
        schema = compile_part(resolved, call["operation"], "input")
    except BadSchema:  # complained about where it is declared
        return
    for wrong in schema.check(call.get("input", {})):
        yield DefinitionComplaint(place, f"example input: {wrong.pointer} {wrong.message}")
    if call.get("error", "") not in ("", *resolved.section("errors")):
        yield DefinitionComplaint(place, f"example expects unknown error code {call['error']}")
