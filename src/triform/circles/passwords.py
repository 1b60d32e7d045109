"""Passwords, hashed with Argon2id in a thread. Two at a time: each takes 64 MiB and a core."""

from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from triform.errors import Complaint, InvalidInput, Suggestion

SHORTEST, LONGEST = 10, 1024


def password(value: object, pointer: str = "/password") -> str:
    """`value` when it may become somebody's password; raises InvalidInput pointing at `pointer`."""
    if isinstance(value, str) and len(value) >= SHORTEST and len(value.encode(errors="replace")) <= LONGEST:
        return value
    rule = f"must be a text of {SHORTEST} characters or more (at most {LONGEST} bytes)"
    raise InvalidInput(
        f"password: {rule}.",
        errors=(Complaint(pointer, rule),),
        suggestion=Suggestion(why=f"The password {rule}.", fix="Choose a longer one: four words do well."),
    )


class Passwords:
    """`verify` takes equally long whether the identity exists, has no password, or the password is wrong."""

    def __init__(self, hasher: PasswordHasher | None = None, at_once: int = 2) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = CapacityLimiter(at_once)
        self._nobody: str | None = None

    async def hash(self, secret: str) -> str:
        """An Argon2id hash in its text form, parameters and salt included."""
        return await to_thread.run_sync(self._hash, secret, limiter=self._slots)

    async def verify(self, stored: str | None, secret: str) -> bool:
        """Whether `secret` is the one behind `stored`; `stored` None (nobody, no password) is always False."""
        if self._nobody is None:
            self._nobody = await self.hash("no password is this one")
        right = await to_thread.run_sync(self._verify, stored or self._nobody, secret, limiter=self._slots)
        return right and stored is not None

    def _hash(self, secret: str) -> str:
        return self._hasher.hash(_bytes(secret))

    def _verify(self, stored: str, secret: str) -> bool:
        try:
            return self._hasher.verify(stored, _bytes(secret))
        except (VerificationError, InvalidHashError):
            return False


def _bytes(secret: str) -> bytes:
    """Lone surrogates are possible in JSON text and must not become an exception."""
    return secret[: LONGEST * 2].encode(errors="surrogatepass")
