"""An element as callers see it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from triform.chemistry.element_type import ElementType
from triform.clock import rfc3339
from triform.elements.model import Element, Version
from triform.errors import Complaint

_SHOWN = re.compile(
    "/(?:properties|ops|limits|pricing|rules|hooks|ports|errors|metrics|events|capabilities|end_causes)/[^/]+$"
)


def element_json(
    element: Element, element_type: ElementType | None, warnings: Iterable[Complaint] = ()
) -> dict[str, Any]:
    """The element of the contract. One whose type is not defined any more has no category and form."""
    return {
        "id": str(element.id),
        "circle": element.circle_name,
        "slug": element.slug,
        "path": f"/api/{element.path}",
        "element_type": element.element_type,
        "category": element_type.category if element_type else None,
        "form": element_type.form if element_type else None,
        "name": element.name,
        "intention": element.intention,
        "state": element.state,
        "version": element.version,
        "spec": element.spec,
        "meta": element.meta,
        "warnings": [{"pointer": each.pointer, "message": each.message} for each in warnings],
        "created_at": rfc3339(element.created_at),
        "updated_at": rfc3339(element.updated_at),
    }


def child_json(element: Element, element_type: ElementType | None) -> dict[str, Any]:
    """As it is listed: without its spec, and what there is to say about that."""
    whole = element_json(element, element_type)
    return {name: value for name, value in whole.items() if name not in ("spec", "warnings")}


def version_json(version: Version) -> dict[str, Any]:
    """An entry of the history. `commit` is null while the element's repository lacks the version."""
    return {
        "version": version.version,
        "created_at": rfc3339(version.created_at),
        "actor": {"kind": version.actor.kind, "id": version.actor.id},
        "summary": version.summary,
        "spec_digest": version.spec_digest,
        "commit": version.commit,
    }


def event_json(element: Element) -> dict[str, Any]:
    """What an event about an element carries: enough to know which one and how it stands."""
    return {
        "id": str(element.id),
        "slug": element.slug,
        "element_type": element.element_type,
        "name": element.name,
        "state": element.state,
        "version": element.version,
    }


def etag(element: Element) -> Mapping[str, str]:
    return {"ETag": f'"{element.version}"'}


def provenance_json(element_type: ElementType) -> dict[str, str]:
    """Where properties, operations, limits … were declared: {"/ops/invoke": "root" | "category" | "element"}."""
    return {pointer: height for pointer, height in element_type.provenance.items() if _SHOWN.match(pointer)}
