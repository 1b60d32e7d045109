"""Which names we answer to, and which pages may ask: Host and Origin checks.

The Host check stops DNS rebinding: a page whose name was pointed at this machine still sends its own name.
The Origin check stops other pages from using a browser's cookie or from signing a browser in as somebody else.
"""

import re
from collections.abc import Iterable
from typing import ClassVar

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from triform.errors import Kind, Suggestion, TriformError
from triform.settings import LOOPBACK_NAMES, Settings

_AUTHORITY = re.compile(rb"(\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(rb"(https?)://([^/?#@\s]+)")
_DEFAULT_PORTS = {b"http": b"80", b"https": b"443"}


class HostRefused(TriformError):
    """This server does not answer to the name in the Host header."""

    code = "HOST_REFUSED"
    kind: ClassVar[Kind] = "auth"
    default_suggestion = Suggestion(
        why="Only known names are accepted, so that a foreign web page cannot reach this server by its own name.",
        fix="Use http://localhost in the address, or add the name to TRIFORM_ALLOWED_HOSTS.",
    )


class OriginRefused(TriformError):
    """This request does not come from a page of this server."""

    code = "ORIGIN_REFUSED"
    kind: ClassVar[Kind] = "auth"
    default_suggestion = Suggestion(
        why="Signing in, and writing with a session cookie, is left to pages of the same origin.",
        fix="From a program, send no Origin and use Authorization: Bearer …; from a page, serve it from here.",
    )


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """The names this server answers to: the configured ones, its own address, and loopback names.

    Loopback names are left out once a server bound elsewhere has been told its names.
    """
    names = {*settings.allowed_hosts, settings.host} - {"0.0.0.0", "::"}  # noqa: S104 - not names
    if settings.on_loopback or not settings.allowed_hosts:
        names |= set(LOOPBACK_NAMES)
    return frozenset(f"[{name}]" if ":" in name else name.lower() for name in names)


class HostGuard:
    """Refuses requests whose Host is not exactly one allowed name. Place it inside what renders errors."""

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = frozenset(name.encode("ascii") for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            self._check(scope)
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        parts = _AUTHORITY.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
        if parts is None or parts[1] not in self._names:
            raise HostRefused(detail=repr(hosts)[:300])


def refuse_foreign_origin(request: HTTPConnection) -> None:
    """Raises OriginRefused when an Origin is named and it is not ours; a program names none."""
    if request.headers.getlist("origin") and not _same_origin(request):
        raise OriginRefused


def require_same_origin(request: HTTPConnection) -> None:
    """Raises OriginRefused unless an Origin is named and it is ours."""
    if not _same_origin(request):
        raise OriginRefused


def _same_origin(request: HTTPConnection) -> bool:
    """Scheme, host and port agree. `https` is granted where TLS ends in a proxy before us."""
    headers = request.scope["headers"]
    origins = [value for name, value in headers if name == b"origin"]
    parts = _ORIGIN.fullmatch(origins[0].lower()) if len(origins) == 1 else None
    if parts is None or (parts[1] == b"http" and request.scope["scheme"] == "https"):
        return False
    host = next((value for name, value in headers if name == b"host"), b"").lower()
    ours = _authority(host, parts[1])
    return ours is not None and _authority(parts[2], parts[1]) == ours


def _authority(text: bytes, scheme: bytes) -> tuple[bytes, bytes] | None:
    parts = _AUTHORITY.fullmatch(text)
    return (parts[1], parts[2] or _DEFAULT_PORTS[scheme]) if parts else None
