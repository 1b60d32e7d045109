"""The door for agents: `POST /api/{circle}/mcp`, Model Context Protocol over streamable HTTP, without sessions.

Whoever may not do something over HTTP may not here: credentials, levels, prices, runs and problems are the same.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from triform.circles.model import Principal
from triform.errors import NotFound
from triform.executor.errors import ShuttingDown
from triform.mcp.late import Late

PATH = "/api/{circle}/mcp"
CALLER = "triform.caller"
"""Where a scope says who is asking."""

Known = Callable[[HTTPConnection], Awaitable[Principal]]
"""Who is asking. Raises Unauthenticated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class McpDoor:
    """An ASGI application; answers while `running`."""

    known: Known
    draining: asyncio.Event
    behind: Late

    def routes(self) -> list[BaseRoute]:
        return [Route(PATH, endpoint=self)]

    def running(self) -> AbstractAsyncContextManager[None]:
        return self.behind.running()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.draining.is_set():
            raise ShuttingDown
        if scope["method"] != "POST":  # There is nothing to listen to between two calls.
            raise HTTPException(405, headers={"Allow": "POST"})
        principal = await self.known(HTTPConnection(scope))
        if scope["path_params"]["circle"] != principal.circle.name:
            raise NotFound()
        manager = await self.behind.made()
        await manager.handle_request({**scope, CALLER: principal}, receive, send)
