"""What agents can see and do behind the door: `tools/list` and `tools/call`.

Importing the protocol's library takes half a second, and most servers are never asked: only `late.py` loads this.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
)
from starlette.responses import Response
from starlette.types import Scope

from triform import __version__
from triform.chemistry.catalogue import Catalogue, Operation
from triform.circles.model import Principal
from triform.elements.cache import ElementCache
from triform.elements.model import Element
from triform.elements.paths import Address, is_slug
from triform.errors import NotFound
from triform.mcp import names
from triform.mcp.door import CALLER
from triform.mcp.listing import Listing
from triform.mcp.results import result_of

_INSTRUCTIONS = (
    "Operations of a Triform circle. Tools named <element>_<operation> do what the element does; those named "
    "<type>__<operation> manage elements, and take the slug as `element`. An error says why, and how to mend it."
)


class Perform(Protocol):
    """Carries out an operation as a request over HTTP would; refusals come as problems, not raised."""

    async def __call__(
        self, scope: Scope, principal: Principal, element: Element, operation: Operation, value: dict[str, Any]
    ) -> Response: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    listing: Listing
    catalogue: Catalogue
    elements: ElementCache
    perform: Perform

    def manager(self, body_limit: int) -> StreamableHTTPSessionManager:
        """Answers requests while its `run()` lasts; `body_limit`: bytes of one of them."""
        server = Server("triform", version=__version__, instructions=_INSTRUCTIONS)
        server.add_request_handler("tools/list", PaginatedRequestParams, self.list_tools)
        server.add_request_handler("tools/call", CallToolRequestParams, self.call_tool)
        return StreamableHTTPSessionManager(
            server, json_response=True, stateless=True, max_request_body_size=body_limit
        )

    async def list_tools(
        self, context: ServerRequestContext[Any, Any], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        cursor = params.cursor if params else None
        if cursor is not None and not is_slug(cursor):
            raise MCPError(INVALID_PARAMS, "This cursor is none of ours.")
        return await self.listing.page(_scope(context)[CALLER], cursor)

    async def call_tool(
        self, context: ServerRequestContext[Any, Any], params: CallToolRequestParams
    ) -> CallToolResult:
        scope = _scope(context)
        principal: Principal = scope[CALLER]
        arguments = dict(params.arguments or {})
        element, operation = await self._found(principal, params.name, arguments)
        return result_of(await self.perform(scope, principal, element, operation, arguments))

    async def _found(
        self, principal: Principal, name: str, arguments: dict[str, Any]
    ) -> tuple[Element, Operation]:
        """What a tool stands for; takes the element's slug out of the arguments. Raises MCPError."""
        named = names.read(name)
        kind = self.catalogue.find(named.type) if named and named.type else None
        if named is None or (named.type and kind is None):
            raise _unknown(name)
        slug = named.slug or (None if kind and kind.tenant else _slug(name, arguments))
        try:
            element = await self.elements.resolve(principal.circle, Address(principal.circle.name, slug))
        except NotFound:
            raise _unknown(name) if named.slug else _no_element(name, slug) from None
        operation = self.catalogue.type(element.element_type).operation(named.operation)
        if operation is None or operation.envelope != (named.slug is not None):
            raise _unknown(name)
        if kind and element.element_type != kind.name:
            raise _no_element(name, slug)
        return element, operation


def _scope(context: ServerRequestContext[Any, Any]) -> Scope:
    """Of the request the message came in."""
    scope: Scope = context.request.scope if context.request is not None else {}
    return scope


def _slug(name: str, arguments: dict[str, Any]) -> str:
    slug = arguments.pop(names.ELEMENT, None)
    if not is_slug(slug):
        raise MCPError(INVALID_PARAMS, f"{name} needs the slug of an element as `{names.ELEMENT}`.")
    return str(slug)


def _unknown(name: str) -> MCPError:
    return MCPError(INVALID_PARAMS, f"There is no tool {name[:200]!r} here; tools/list tells which there are.")


def _no_element(name: str, slug: str | None) -> MCPError:
    return MCPError(INVALID_PARAMS, f"There is no element {slug!r} that {name} could be called on.")
