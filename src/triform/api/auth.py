"""The door to sign in at: /api/auth/*.

Every body is JSON, so that no form of a foreign page can post here, and a foreign Origin is turned away. Answers
carry the access token twice: as JSON for programs, and as a cookie that scripts cannot read for browsers.
"""

import base64
import hashlib
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router

from triform.api.auth_bodies import Claiming, DevSignIn, Login, Logout, Refresh, read_body
from triform.api.credentials import COOKIE, authorization_of, cookie_of
from triform.api.guards import refuse_foreign_origin, require_same_origin
from triform.circles.credentials import Credentials
from triform.circles.links import Claim, FirstAdmin
from triform.circles.model import SignedIn
from triform.circles.sessions import Sessions
from triform.circles.sign_in import SignIn
from triform.clock import rfc3339
from triform.errors import NotFound, Suggestion, Unauthenticated

Endpoint = Callable[[Request], Awaitable[Response]]


class AuthDoor:
    """`claim` and `first_admin` are None in dev mode; what is not there answers as if it had never been."""

    def __init__(
        self,
        sign_in: SignIn,
        sessions: Sessions,
        credentials: Credentials,
        *,
        claim: Claim | None,
        first_admin: FirstAdmin | None,
        dev_mode: bool,
        secure_cookie: bool,
    ) -> None:
        self._sign_in = sign_in
        self._sessions = sessions
        self._credentials = credentials
        self._claim = claim
        self._first_admin = first_admin
        self._dev_mode = dev_mode
        self._secure_cookie = secure_cookie

    def routes(self) -> list[BaseRoute]:
        """All of `/api/auth`, so that other verbs and names there are refused here."""
        posts: dict[str, Endpoint] = {
            "dev": self.dev,
            "login": self.login,
            "refresh": self.refresh,
            "logout": self.logout,
        }
        routes = [
            *(Route(f"/{name}", _guarded(act), methods=["POST"]) for name, act in posts.items()),
            Route("/first", _guarded(self.first), methods=["GET", "POST"]),
        ]
        return [Mount("/api/auth", app=Router(routes, redirect_slashes=False))]

    async def dev(self, request: Request) -> Response:
        """`{circle_name, identity?}`: sign in without a password; 404 outside dev mode."""
        if not self._dev_mode:
            raise NotFound(suggestion=_NO_DEV)
        body = await read_body(request, DevSignIn)
        return self._welcome(await self._sign_in.dev(body.circle_name, body.identity))

    async def login(self, request: Request) -> Response:
        """`{identity, password, circle?}`."""
        body = await read_body(request, Login)
        address = request.client.host if request.client else ""
        circle = body.circle or body.circle_name
        return self._welcome(await self._sign_in.login(body.identity, body.password, circle, address))

    async def refresh(self, request: Request) -> Response:
        """`{refresh_token}`, which is used up."""
        body = await read_body(request, Refresh)
        return self._welcome(await self._sessions.refresh(body.refresh_token))

    async def logout(self, request: Request) -> Response:
        """`{refresh_token?}`: ends the session of header or cookie, and of the refresh token; twice is once."""
        body = await read_body(request, Logout)
        authorization = authorization_of(request)
        if authorization is not None:
            await self._sessions.close(await self._credentials.principal(authorization, None))
        elif cookie_of(request) is not None:
            await self._close_by_cookie(request)
        if body.refresh_token:
            await self._sessions.close_by_refresh(body.refresh_token)
        answer = _json({"signed_out": True})
        self._set_cookie(answer, "", 0)
        return answer

    async def first(self, request: Request) -> Response:
        """The page that a one-time link opens, and what the page posts."""
        if self._claim is None:
            raise NotFound
        return await self._redeem(request, self._claim) if request.method == "POST" else _page()

    async def _redeem(self, request: Request, claim: Claim) -> Response:
        """`{link, password, identity?, circle_name?}`: set the first password by a one-time link."""
        body = await read_body(request, Claiming)
        signed_in = await claim.redeem(body.link, body.password, body.identity, body.circle_name)
        if self._first_admin is not None:
            self._first_admin.withdraw()
        return self._welcome(signed_in)

    async def _close_by_cookie(self, request: Request) -> None:
        require_same_origin(request)
        try:
            principal = await self._credentials.principal(None, cookie_of(request))
        except Unauthenticated:  # It has ended already.
            return
        await self._sessions.close(principal)

    def _welcome(self, signed_in: SignedIn) -> Response:
        answer = _json(signed_in_json(signed_in))
        self._set_cookie(answer, signed_in.token, signed_in.expires_in)
        return answer

    def _set_cookie(self, answer: Response, token: str, max_age_s: int) -> None:
        answer.set_cookie(
            COOKIE, token, max_age=max_age_s, path="/", secure=self._secure_cookie, httponly=True, samesite="lax"
        )


def signed_in_json(signed_in: SignedIn) -> dict[str, Any]:
    circle = signed_in.circle
    return {
        "token": signed_in.token,
        "refresh_token": signed_in.refresh_token,
        "expires_in": signed_in.expires_in,
        "identity": signed_in.identity,
        "role": signed_in.role.value,
        "circle": {
            "id": str(circle.id),
            "name": circle.name,
            "slug": circle.name,
            "created_at": rfc3339(circle.created_at),
        },
    }


def _guarded(endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        refuse_foreign_origin(request)
        return await endpoint(request)

    return answer


def _json(document: dict[str, Any]) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(msgspec.json.encode(document), media_type="application/json", headers=headers)


def _page() -> Response:
    """The link's secret stays in the browser until it is posted."""
    return HTMLResponse(_PAGE, headers=_PAGE_HEADERS)


def _page_headers(page: str) -> dict[str, str]:
    """Only the page's own script may run, and it may speak to us alone."""
    script = page.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {"Cache-Control": "no-store", "Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}


_PAGE = files("triform.api").joinpath("first.html").read_text(encoding="utf-8")
_PAGE_HEADERS = _page_headers(_PAGE)

_NO_DEV = Suggestion(
    why="The sign-in without password exists in dev mode only, which needs a server bound to loopback.",
    fix="POST /api/auth/login with identity and password.",
)
