"""Addresses: the circle's own operations, and those of elements, with their schemas by type."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from triform.chemistry.catalogue import Catalogue, ElementType, Operation
from triform.chemistry.openapi.operations import Described, operation_object
from triform.chemistry.paths import arguments_of

CIRCLE = "/api/{circle}"
ELEMENT = "/api/{circle}/{slug}"

NO_WORD = re.compile(r"[^a-z0-9]+")

BARE: Mapping[str, str] = {"get": "get", "update": "patch", "delete": "delete"}
"""Operations that the bare address serves too, and by which verb."""


def paths(catalogue: Catalogue) -> dict[str, Any]:
    """All operation addresses with their path items."""
    tenant = catalogue.tenant_type
    others = [element_type for element_type in catalogue.types.values() if element_type is not tenant]
    creatable = {element_type.name: element_type for element_type in others}
    own = _group(CIRCLE, tenant.name, [tenant], creatable)
    inner = [element_type for element_type in others if element_type.accepts_children]
    return {
        **own,
        **_creation(CIRCLE, tenant.name, [tenant], creatable),
        **_group(ELEMENT, "elements", others, creatable),
        **_creation(ELEMENT, "elements", inner, creatable),
    }


def _group(
    address: str, tag: str, types: Iterable[ElementType], creatable: Mapping[str, ElementType]
) -> dict[str, Any]:
    found: dict[str, Any] = defaultdict(dict)
    for path, by_type in _by_path(types).items():
        for verb in _verbs(by_type.values()):
            described = Described(tag, _answering(by_type, verb), creatable)
            found[f"{address}/ops/{path}"][verb] = operation_object(described, verb, _id(tag, path, verb))
            if BARE.get(described.name) == verb:
                found[address][verb] = operation_object(described, verb, f"{tag}_{described.name}_bare")
    return {path: _with_parameters(path, item) for path, item in found.items()}


def _verbs(operations: Iterable[Operation]) -> list[str]:
    """The declared verbs, then POST, which opens every operation."""
    return list(dict.fromkeys([*(operation.verb.lower() for operation in operations), "post"]))


def _answering(by_type: Mapping[str, Operation], verb: str) -> dict[str, Operation]:
    return {name: op for name, op in by_type.items() if verb in (op.verb.lower(), "post")}


def _id(tag: str, path: str, verb: str) -> str:
    """`elements_runs_run_id_cancel_post`: what generated clients name their functions after."""
    return f"{tag}_{NO_WORD.sub('_', path).strip('_')}_{verb}"


def _creation(
    address: str, tag: str, holders: Iterable[ElementType], creatable: Mapping[str, ElementType]
) -> dict[str, Any]:
    """A POST to the bare address of what holds others makes an element, as `/ops/create` does."""
    by_type = {holder.name: operation for holder in holders if (operation := holder.operation("create"))}
    if not by_type:
        return {}
    item = {"post": operation_object(Described(tag, by_type, creatable), "post", f"{tag}_create_bare")}
    return {f"{address}/": _with_parameters(f"{address}/", item)}


def _by_path(types: Iterable[ElementType]) -> dict[str, dict[str, Operation]]:
    found: dict[str, dict[str, Operation]] = defaultdict(dict)
    for element_type in types:
        for operation in element_type.operations.values():
            found[operation.path][element_type.name] = operation
    return found


def _with_parameters(path: str, item: dict[str, Any]) -> dict[str, Any]:
    names = arguments_of(path.partition("/ops/")[0])
    return {"parameters": [{"$ref": f"#/components/parameters/{name}"} for name in names], **item}
