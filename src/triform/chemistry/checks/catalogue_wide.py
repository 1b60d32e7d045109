"""What only shows when all types stand side by side."""

from collections.abc import Iterator, Sequence

from triform.chemistry.complaints import DefinitionComplaint
from triform.chemistry.inherit import Resolved


def check_together(types: Sequence[Resolved]) -> Iterator[DefinitionComplaint]:
    yield from _check_tenant(types)
    yield from _check_error_classes(types)
    yield from _check_metric_names(types)


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
