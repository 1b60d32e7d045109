"""Sessions: an access token for an hour, a refresh token that is exchanged for the next pair, and their end.

Every refresh token works once. One that comes back was copied by somebody: the whole session ends, for its
owner too, who signs in again while the thief cannot.
"""

from datetime import datetime, timedelta

from triform.circles.credential_store import CredentialStore
from triform.circles.credentials import Credentials
from triform.circles.model import Circle, Identity, Principal, RefreshToken, SignedIn, Standing
from triform.circles.opaque import REFRESH_TOKEN, digest_of, mint
from triform.circles.tokens import LIFETIME_S, AccessTokens
from triform.clock import Clock
from triform.errors import Forbidden, PlatformFault, Suggestion, Unauthenticated
from triform.storage.database import Database, Transaction

REFRESH_LIFETIME = timedelta(days=30)
SESSION_LIFETIME = timedelta(days=90)
"""A session ends then, however often it was refreshed."""


class Sessions:
    def __init__(
        self,
        database: Database,
        store: CredentialStore,
        tokens: AccessTokens,
        credentials: Credentials,
        clock: Clock,
    ) -> None:
        self._database = database
        self._store = store
        self._tokens = tokens
        self._credentials = credentials
        self._clock = clock

    async def open(self, tx: Transaction, circle: Circle, identity: Identity) -> SignedIn:
        """A new session of a member; the tokens are worth something once `tx` has been committed."""
        ends = self._clock.now() + SESSION_LIFETIME
        session_id = await self._store.add_session(tx, circle.id, identity.id, ends)
        standing = await self._store.standing(tx, session_id)
        if standing is None:
            raise PlatformFault(detail="a session was opened for an identity that is no member")
        return await self._hand_out(tx, standing)

    async def refresh(self, text: str) -> SignedIn:
        """The next pair of tokens. Raises Unauthenticated; for a token used before, the session ends too."""
        digest = digest_of(text, REFRESH_TOKEN)
        if digest is None:
            raise Unauthenticated("This is not a refresh token.", suggestion=_SIGN_IN)
        async with self._database.transaction() as tx:
            token = await self._store.refresh_token(tx, digest)
            if token is None:
                raise Unauthenticated("This refresh token is unknown.", suggestion=_SIGN_IN)
            if not token.used:
                return await self._exchange(tx, digest, token)
            await self._store.revoke_session(tx, token.credential_id)
        self._credentials.forget(token.credential_id)
        raise Unauthenticated(
            "This refresh token was used before; the session has been ended.", suggestion=_COPIED
        )

    async def close(self, principal: Principal) -> None:
        """Sign out. Raises Forbidden for an API key, which has no session to end."""
        ended = await self._store.revoke_session(self._database, principal.credential_id)
        self._credentials.forget(principal.credential_id)
        if not ended:
            raise Forbidden("An API key cannot sign out.", suggestion=_REVOKE)

    async def close_by_refresh(self, text: str) -> None:
        """Sign out with a refresh token, when the access token has expired. An unknown one has ended already."""
        digest = digest_of(text, REFRESH_TOKEN)
        if digest is None:
            return
        async with self._database.transaction() as tx:
            token = await self._store.refresh_token(tx, digest)
            if token is None:
                return
            await self._store.revoke_session(tx, token.credential_id)
        self._credentials.forget(token.credential_id)

    async def forget_ended(self) -> int:
        """Delete what ended more than a day ago; safe to run anywhere, any time. Answers how many."""
        async with self._database.transaction() as tx:
            return await self._store.forget_ended(tx, self._clock.now() - timedelta(days=1))

    async def _exchange(self, tx: Transaction, digest: bytes, token: RefreshToken) -> SignedIn:
        standing = await self._store.standing(tx, token.credential_id)
        if standing is None or token.expires_at <= self._clock.now():
            raise Unauthenticated("This session has ended.", suggestion=_SIGN_IN)
        await self._store.use_refresh_token(tx, digest)
        return await self._hand_out(tx, standing)

    async def _hand_out(self, tx: Transaction, standing: Standing) -> SignedIn:
        principal, secret = standing.principal, mint(REFRESH_TOKEN)
        ends = self._refresh_ends(standing.expires_at)
        await self._store.add_refresh_token(tx, principal.credential_id, secret.digest, ends)
        return SignedIn(
            circle=principal.circle,
            identity=principal.actor.id,
            role=principal.role,
            token=self._tokens.issue(principal.credential_id, principal.circle.id),
            refresh_token=secret.text,
            expires_in=LIFETIME_S,
        )

    def _refresh_ends(self, session_ends: datetime | None) -> datetime:
        ends = self._clock.now() + REFRESH_LIFETIME
        return ends if session_ends is None else min(ends, session_ends)


_SIGN_IN = Suggestion(why="It was never valid, or its session has ended.", fix="Sign in again.")
_COPIED = Suggestion(
    why="Each refresh token works once. Somebody has a copy, or a client refreshed twice with the same one.",
    fix="Sign in again, and keep the refresh token from the newest answer only.",
)
_REVOKE = Suggestion(
    why="Only sessions sign out; an API key lasts until it expires or is revoked.",
    fix="An admin can revoke it.",
    op="token_revoke",
)
