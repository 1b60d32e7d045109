"""Secrets that carry no meaning: API keys, refresh tokens, one-time links.

`trif_` + 43 base-62 digits (256 bits) + 6 digits of CRC-32. The checksum tells a typo from a wrong secret without
asking the database, and lets secret scanners recognise what leaked. Only the SHA-256 is ever stored: with 256
bits of chance there is nothing a slow hash would add.
"""

import hashlib
import secrets
import string
import zlib
from dataclasses import dataclass, field

API_KEY = "trif_"
REFRESH_TOKEN = "trir_"  # noqa: S105 - a prefix
LOGIN_LINK = "tril_"

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BODY_LENGTH = 43
_CHECK_LENGTH = 6


@dataclass(frozen=True, slots=True)
class Opaque:
    """A fresh secret: `text` for its owner, once; `digest` (32 bytes) for the store."""

    text: str = field(repr=False)
    digest: bytes


def mint(prefix: str) -> Opaque:
    """A new secret with 256 bits of chance."""
    body = prefix + _base62(secrets.randbits(256), _BODY_LENGTH)
    text = body + _checksum(body)
    return Opaque(text, _digest(text))


def digest_of(text: str, prefix: str) -> bytes | None:
    """What a presented secret is stored as; None when it cannot be one of ours (a typo, another kind)."""
    if len(text) != len(prefix) + _BODY_LENGTH + _CHECK_LENGTH or not text.startswith(prefix):
        return None
    if not text.isascii() or _checksum(text[:-_CHECK_LENGTH]) != text[-_CHECK_LENGTH:]:
        return None
    return _digest(text)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("ascii")).digest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode("ascii")), _CHECK_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
