"""Secrets under a key of the tests' own, the same every time."""

import hashlib

from triform.elements.secrets import Secrets
from triform.elements.store import ElementStore
from triform.elements.vault import Vault
from triform.runs.masks import Masks


def known_key(purpose: str) -> bytes:
    return hashlib.sha256(b"tests " + purpose.encode()).digest()


def masks_of_tests() -> Masks:
    """`.secrets` seals and opens; every call gives one that reads what the others wrote."""
    return Masks(Secrets(Vault(known_key), ElementStore()))
