"""Where secret values become unreadable: AES-256-GCM and HMAC under keys of the installation's own.

A box:  1 byte form (1) | 12 bytes nonce, random for each | ciphertext and tag
What a box belongs to is bound into it: put elsewhere, it does not open.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from triform.errors import Kind, Suggestion, TriformError

_FORM = b"\x01"
_NONCE_BYTES = 12


class SecretUnreadable(TriformError):
    """A secret value cannot be decrypted with this installation's key."""

    code: ClassVar[str] = "SECRET_UNREADABLE"
    kind: ClassVar[Kind] = "unavailable"
    default_suggestion: ClassVar[Suggestion | None] = Suggestion(
        why="The value was encrypted under another master key, or the database was altered.",
        fix="Restore keys/master in the data directory from its backup, or set the value anew with an update.",
        op="update",
    )


@dataclass(frozen=True, slots=True)
class Sealed:
    """A value as it is stored: `digest` names it, `box` holds it."""

    digest: str
    box: bytes = field(repr=False)


class Vault:
    """`derive` gives a key of 32 bytes per purpose, the same every time."""

    def __init__(self, derive: Callable[[str], bytes]) -> None:
        self._cipher = AESGCM(derive("secret-values"))
        self._naming = derive("secret-digests")
        self._comparing = derive("body-digests")

    def digest(self, circle_id: UUID, name: str, value: str) -> str:
        """`hmac-sha256:<hex>`: equal for the same value under the same name in the same circle. It cannot be
        computed, and so no value be guessed by it, without the key."""
        told = hmac.new(self._naming, circle_id.bytes + name.encode() + b"\0" + value.encode(), hashlib.sha256)
        return f"hmac-sha256:{told.hexdigest()}"

    def fingerprint(self, data: bytes) -> bytes:
        """32 bytes to tell whether two bodies are the same; without the key nothing can be tried against it."""
        return hmac.new(self._comparing, data, hashlib.sha256).digest()

    def seal(self, value: bytes, belongs_to: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORM + nonce + self._cipher.encrypt(nonce, value, belongs_to)

    def open(self, box: bytes, belongs_to: bytes) -> bytes:
        """Raises SecretUnreadable for another key, another owner, or a box that was tampered with."""
        try:
            return self._cipher.decrypt(box[1 : 1 + _NONCE_BYTES], box[1 + _NONCE_BYTES :], belongs_to)
        except (InvalidTag, ValueError):
            raise SecretUnreadable from None
