"""`tools/list`: what a caller may do in the circle, a page at a time.

First the operations of the circle and of the types that occur in it, then what elements themselves do, by slug.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mcp_types import ListToolsResult, Tool

from triform.chemistry.catalogue import Catalogue, ElementType, Operation
from triform.chemistry.tools import tool_of
from triform.circles.model import Principal
from triform.circles.policy import may
from triform.elements.model import Element
from triform.elements.store import ElementStore
from triform.mcp import names
from triform.storage.database import Database

PAGE = 100
"""Elements of one page."""

_ELEMENT = {"type": "string", "description": "The slug of the element."}


@dataclass(frozen=True, slots=True)
class Listing:
    catalogue: Catalogue
    database: Database
    store: ElementStore

    async def page(self, principal: Principal, after: str | None) -> ListToolsResult:
        """`after` is the slug of the last element of the page before; None for the first page."""
        first = [] if after is not None else await self._of_types(principal)
        working = [kind.name for kind in self.catalogue.types.values() if any(_own_work(kind, principal))]
        found = await self.store.after(self.database, principal.circle.id, working, after or "", PAGE + 1)
        shown = [tool for element in found[:PAGE] for tool in self._of_element(element, principal)]
        more = found[PAGE - 1].slug if len(found) > PAGE else None
        return ListToolsResult(tools=[Tool.model_validate(tool) for tool in (*first, *shown)], next_cursor=more)

    async def _of_types(self, principal: Principal) -> list[dict[str, Any]]:
        there = await self.store.types_in(self.database, principal.circle.id)
        kinds = [kind for name in there if (kind := self.catalogue.find(name)) is not None]
        return [
            tool_of_type(kind, operation)
            for kind in kinds
            for operation in kind.operations.values()
            if not operation.envelope and allowed(principal, operation)
        ]

    def _of_element(self, element: Element, principal: Principal) -> Iterator[dict[str, Any]]:
        kind = self.catalogue.type(element.element_type)
        for operation in _own_work(kind, principal):
            yield tool_of_element(element, kind, operation)


def allowed(principal: Principal, operation: Operation) -> bool:
    return may(principal, operation.level, operation.name)


def tool_of_type(kind: ElementType, operation: Operation) -> dict[str, Any]:
    """Of any element of the type; it has to be named, unless it is the circle."""
    tool = tool_of(operation) | {"name": names.of_type(kind.name, operation.name)}
    return tool if kind.tenant else tool | {"inputSchema": _with_element(tool["inputSchema"])}


def tool_of_element(element: Element, kind: ElementType, operation: Operation) -> dict[str, Any]:
    """What an element does, in the words of whoever made it."""
    tool = tool_of(operation)
    said = "\n\n".join(text for text in (element.name, element.intention, tool["description"]) if text)
    title = f"{element.name or element.slug}: {operation.summary.rstrip('.')}"
    return tool | {
        "name": names.of_element(element.slug, operation.name),
        "title": title,
        "description": f"{said}\n\n({kind.title})",
    }


def _own_work(kind: ElementType, principal: Principal) -> Iterator[Operation]:
    """The operations whose input is the element's own."""
    return (each for each in kind.operations.values() if each.envelope and allowed(principal, each))


def _with_element(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        **schema,
        "properties": {names.ELEMENT: _ELEMENT, **schema.get("properties", {})},
        "required": [names.ELEMENT, *schema.get("required", [])],
    }
