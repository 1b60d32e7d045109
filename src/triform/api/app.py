"""The HTTP application: a few fixed routes, and one for every operation there is."""

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triform.api.guards import HostGuard
from triform.api.metrics import CountAnswers, HttpFigures
from triform.api.ops import MethodNotAllowed, Ops
from triform.api.problems import Problems
from triform.errors import NotFound, Suggestion, TriformError

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_DEFAULT_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_METHOD_NOT_ALLOWED = 405


def application(
    ops: Ops,
    routes: Sequence[BaseRoute],
    problems: Problems,
    openapi: dict[str, Any],
    hosts: frozenset[str],
    figures: HttpFigures,
) -> ASGIApp:
    """Outermost the counting, then the headers, then errors as problems, then the Host check, then the routes."""
    described = msgspec.json.encode(openapi)

    async def describe(request: Request) -> Response:
        return Response(described, media_type="application/json")

    app = Starlette(
        routes=[*routes, Route("/openapi.json", describe), Mount("/api", app=ops)],
        middleware=[
            Middleware(CountAnswers, figures=figures, clock=ops.clock),
            Middleware(SecurityHeaders),
            Middleware(Errors, problems=problems),
            Middleware(HostGuard, names=hosts),
        ],
        exception_handlers={HTTPException: _as_our_own},
    )
    app.router.redirect_slashes = False  # an address with a slash too many names nothing
    return app


async def _as_our_own(request: Request, error: Exception) -> Response:
    """The router's own refusals, as ours."""
    if isinstance(error, HTTPException) and error.status_code == _METHOD_NOT_ALLOWED:
        allow = (error.headers or {}).get("Allow", "GET").split(", ")
        raise MethodNotAllowed(f"{request.method} is not taken here.", facts={"allow": allow})
    raise NotFound(
        suggestion=Suggestion(
            why="No page has this address.", fix="Operations are below /api/; see /openapi.json."
        )
    )


class SecurityHeaders:
    """On every answer; what an answer says about caching and content policy itself stays."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                said = {name for name, _ in headers}
                headers += [pair for pair in _DEFAULT_HEADERS if pair[0] not in said]
                headers += SECURITY_HEADERS
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)


class Errors:
    """Whatever is raised below becomes a problem document, unless the answer had begun."""

    def __init__(self, app: ASGIApp, problems: Problems) -> None:
        self._app = app
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            return
        except TriformError as error:
            response = self._problems.of_error(error, scope["path"])
        except Exception as error:
            if begun:
                raise
            response = self._problems.unforeseen(error, scope["path"])
        else:
            return
        await response(scope, receive, send)
