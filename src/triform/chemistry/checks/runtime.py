"""Hooks name steps the executor has; a language knows an error for every way its code can end."""

from collections.abc import Collection, Iterator

from triform.chemistry.complaints import DefinitionComplaint
from triform.chemistry.inherit import Resolved
from triform.chemistry.model import END_CAUSES, LIMITS


def check_runtime(resolved: Resolved, known_hooks: Collection[str] | None) -> Iterator[DefinitionComplaint]:
    if known_hooks is not None:
        yield from _check_hooks(resolved, known_hooks)
    yield from _check_end_causes(resolved)
    yield from _check_limits(resolved)


def _check_hooks(resolved: Resolved, known_hooks: Collection[str]) -> Iterator[DefinitionComplaint]:
    for moment, names in resolved.section("hooks").items():
        for index, name in enumerate(names):
            if name not in known_hooks:
                yield resolved.complaint(
                    ("hooks", moment, index),
                    f"unknown hook {name!r} in {moment}; known are {', '.join(sorted(known_hooks))}",
                )


def _check_end_causes(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    declared = resolved.section("end_causes")
    for cause, code in declared.items():
        if cause not in END_CAUSES:
            yield resolved.complaint(("end_causes", cause), f"unknown end cause {cause!r}")
        if code not in resolved.section("errors"):
            yield resolved.complaint(("end_causes", cause), f"end cause {cause!r}: unknown error code {code}")
    missing = sorted(END_CAUSES - set(declared)) if "language" in resolved.value else ()
    for cause in missing:
        yield resolved.complaint(("end_causes",), f"end cause {cause!r} has no error code")


def _check_limits(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    for name, pointer in resolved.section("limits").items():
        if name not in LIMITS:
            yield resolved.complaint(
                ("limits", name), f"unknown limit {name!r}; known are {', '.join(sorted(LIMITS))}"
            )
        if not _declared(resolved, pointer):
            yield resolved.complaint(
                ("limits", name), f"limit {name!r} points to {pointer}, which no property declares"
            )


def _declared(resolved: Resolved, pointer: str) -> bool:
    schema: object = {"properties": resolved.section("properties")}
    for step in pointer.split("/")[1:]:
        properties = schema.get("properties") if isinstance(schema, dict) else None
        schema = properties.get(step) if isinstance(properties, dict) else None
    return schema is not None
