"""The installation's own keys, in its data directory, made once.

<data_dir>/keys/signing   signs access tokens; all of them end when it is lost
<data_dir>/keys/master    what the login roles' passwords and the keys of secret values are derived from; nothing
                          derived is ever stored
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from triform.circles.errors import KeyFileRefused
from triform.circles.private_file import make_private
from triform.errors import Suggestion

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Keyring:
    """`signing` and `master` are 32 random bytes each. Nodes that share a database share both files."""

    signing: bytes = field(repr=False)
    master: bytes = field(repr=False)

    @classmethod
    def open(cls, data_dir: Path) -> "Keyring":
        """The keys of this data directory, made on first use. Raises KeyFileRefused when others can read them."""
        folder = data_dir / "keys"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(signing=_key(folder / "signing"), master=_key(folder / "master"))

    def role_password(self, circle_id: UUID) -> str:
        """The password of a circle's login role: the same every time, 64 hexadecimal digits."""
        return hmac.new(self.master, b"circle-role:" + circle_id.bytes, hashlib.sha256).hexdigest()

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose alone (HKDF-SHA256), the same every time; tells nothing of others."""
        return HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"triform:" + purpose.encode()).derive(self.master)


def _key(file: Path) -> bytes:
    if not file.exists():
        make_private(file, secrets.token_bytes(_KEY_BYTES))
    if file.stat().st_mode & 0o077:
        raise KeyFileRefused(f"{file} can be read by others.", suggestion=_exposed(file))
    key = file.read_bytes()
    if len(key) != _KEY_BYTES:
        raise KeyFileRefused(f"{file} is not a key of {_KEY_BYTES} bytes.", suggestion=_damaged(file))
    return key


def _exposed(file: Path) -> Suggestion:
    return Suggestion(
        why="Whoever has read this key can sign in as anybody.",
        fix=f"If nobody can have read it: chmod 600 {file}. Otherwise remove it; everybody then signs in again.",
    )


def _damaged(file: Path) -> Suggestion:
    return Suggestion(why="The file was cut short or overwritten.", fix=f"Restore {file} from a backup.")
