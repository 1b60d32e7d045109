"""Access tokens: JWT signed with HMAC-SHA-256, one hour, naming one credential of one circle.

A token proves nothing but which credential it was made from; what that credential may do now is looked up.
"""

import re
from dataclasses import dataclass
from uuid import UUID

import jwt

from triform.circles.keyring import Keyring
from triform.clock import Clock
from triform.errors import Suggestion, Unauthenticated
from triform.ids import Ids

LIFETIME_S = 3600

_ALGORITHM = "HS256"
_ISSUER = "triform"
_AUDIENCE = "triform-api"
_CLAIMS = ("iss", "aud", "iat", "exp", "jti", "credential", "circle")
# The last of 43 base64url characters carries 4 bits; a decoder would ignore the rest, and so accept three
# tokens that were tampered with.
_CANONICAL = re.compile(r"[\w-]{1,1000}\.[\w-]{1,3000}\.[\w-]{42}[AEIMQUYcgkosw048]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says. `expires_at` in Unix seconds."""

    credential_id: UUID
    circle_id: UUID
    expires_at: float


class AccessTokens:
    def __init__(self, keyring: Keyring, clock: Clock, ids: Ids) -> None:
        self._key = keyring.signing
        self._clock = clock
        self._ids = ids

    def issue(self, credential_id: UUID, circle_id: UUID) -> str:
        now = int(self._clock.now().timestamp())
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "iat": now,
            "exp": now + LIFETIME_S,
            "jti": str(self._ids.new()),
            "credential": str(credential_id),
            "circle": str(circle_id),
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read(self, token: str) -> Claims:
        """The claims of a token of ours that has not expired; raises Unauthenticated."""
        if not _CANONICAL.fullmatch(token):
            raise Unauthenticated("The bearer token is neither an access token nor an API key.")
        claims = self._verified(token)
        if claims.expires_at <= self._clock.now().timestamp():
            raise Unauthenticated("The access token has expired.", suggestion=_EXPIRED)
        return claims

    def _verified(self, token: str) -> Claims:
        # Expiry is judged by our own clock, in `read`.
        options = {"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False}
        try:
            found = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                options=options,  # type: ignore[arg-type]
            )
            return Claims(UUID(found["credential"]), UUID(found["circle"]), float(found["exp"]))
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError) as error:
            raise Unauthenticated("The access token is not valid.", detail=repr(error)) from error


_EXPIRED = Suggestion(
    why="Access tokens last one hour.",
    fix="POST /api/auth/refresh with the refresh_token, or sign in again.",
)
