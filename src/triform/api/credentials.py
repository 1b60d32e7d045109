"""From a request's header or cookie to who is asking."""

from starlette.requests import HTTPConnection

from triform.api.guards import require_same_origin
from triform.circles.credentials import Credentials
from triform.circles.model import Principal
from triform.errors import Unauthenticated

COOKIE = "triform_token"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class RequestCredentials:
    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def principal(self, request: HTTPConnection) -> Principal:
        """Who is asking. Raises Unauthenticated, and OriginRefused for a write by cookie from elsewhere.

        An `Authorization` header decides alone. Browsers send cookies on behalf of any page, so a cookie may
        write only when the request says that it comes from a page of ours.
        """
        authorization = authorization_of(request)
        if authorization is not None:
            return await self._credentials.principal(authorization, None)
        cookie = cookie_of(request)
        if cookie is not None and request.scope.get("method") not in _SAFE:
            require_same_origin(request)
        return await self._credentials.principal(None, cookie)


def authorization_of(request: HTTPConnection) -> str | None:
    """The header's value. Raises Unauthenticated for two of them: a proxy may have judged the other one."""
    values = request.headers.getlist("authorization")
    if len(values) > 1:
        raise Unauthenticated("There is more than one Authorization header.")
    return values[0] if values else None


def cookie_of(request: HTTPConnection) -> str | None:
    """The session cookie. Raises Unauthenticated for two of them: one was planted by a neighbouring site."""
    pairs = (pair.partition("=") for line in request.headers.getlist("cookie") for pair in line.split(";"))
    values = [value.strip().strip('"') for name, _, value in pairs if name.strip() == COOKIE]
    if len(values) > 1:
        raise Unauthenticated(f"There is more than one {COOKIE} cookie.")
    return values[0] if values and values[0] else None
