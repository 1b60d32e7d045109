"""What only shows when all types stand side by side."""

from collections.abc import Iterator, Sequence

from triform.chemistry.complaints import DefinitionComplaint
from triform.chemistry.inherit import Resolved


def check_together(types: Sequence[Resolved]) -> Iterator[DefinitionComplaint]:
    yield from _check_tenant(types)
    yield from _check_error_classes(types)
    yield from _check_metric_names(types)
    yield from _check_attachable(types)


def _check_tenant(types: Sequence[Resolved]) -> Iterator[DefinitionComplaint]:
    tenants = [definition for definition in types if definition.value.get("tenant")]
    if len(tenants) != 1:
        names = ", ".join(definition.name for definition in tenants) or "none"
        for definition in tenants or types[:1]:
            yield definition.complaint(("tenant",), f"exactly one type is the tenant; found {names}")


def _check_error_classes(types: Sequence[Resolved]) -> Iterator[DefinitionComplaint]:
    first: dict[str, str] = {}
    for definition in types:
        for code, error in definition.section("errors").items():
            if first.setdefault(code, error["class"]) != error["class"]:
                yield definition.complaint(
                    ("errors", code), f"{code} has class {error['class']} here and {first[code]} elsewhere"
                )


def _check_metric_names(types: Sequence[Resolved]) -> Iterator[DefinitionComplaint]:
    owners: dict[str, Resolved] = {}
    for definition in types:
        for name in definition.section("metrics"):
            owner = owners.setdefault(name, definition)
            if owner is not definition and definition.provenance("metrics", name) == "element":
                yield definition.complaint(("metrics", name), f"metric {name!r} belongs to type {owner.name!r}")


def _check_attachable(types: Sequence[Resolved]) -> Iterator[DefinitionComplaint]:
    """`attaches` names modifiers, `uses` names data; both of types that are there."""
    forms = {definition.name: definition.value.get("form") for definition in types}
    for definition in types:
        for section, form in (("attaches", "modifier"), ("uses", "data")):
            for index, name in enumerate(definition.value.get(section, ())):
                if forms.get(name) != form:
                    yield definition.complaint(
                        (section, index), f"{section} {name!r}, which is no type of form {form}"
                    )
