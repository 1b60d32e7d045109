"""Specs as bytes, and what their type reads out of them."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from triform.chemistry.element_type import ElementType
from triform.chemistry.schema import at_pointer
from triform.elements.vault import Sealed


def encode(value: Mapping[str, Any]) -> bytes:
    """UTF-8 JSON; order of members and big integers stay as they are."""
    return msgspec.json.encode(value)


def decode(stored: bytes) -> dict[str, Any]:
    value: dict[str, Any] = msgspec.json.decode(stored)
    return value


def encode_secrets(secrets: Mapping[str, Sealed]) -> bytes | None:
    """UTF-8 JSON {name: {digest, box in base64}}; None when there are none."""
    return msgspec.json.encode(secrets) if secrets else None


def decode_secrets(stored: bytes | None) -> dict[str, Sealed]:
    return _SECRETS.decode(stored) if stored else {}


_SECRETS = msgspec.json.Decoder(dict[str, Sealed])


def digest(spec: Mapping[str, Any]) -> str:
    """`sha256:<hex>` of the canonical JSON (members sorted): equal specs have equal digests."""
    canonical = msgspec.json.encode(spec, order="deterministic")
    return f"sha256:{hashlib.sha256(canonical).hexdigest()}"


def reserved_slots(element_type: ElementType, spec: Mapping[str, Any]) -> int:
    """Execution slots a spec keeps for its element alone; 0 when it says none."""
    return element_type.limits_of(spec).concurrency_reserved or 0


def code_of(element_type: ElementType, spec: Mapping[str, Any]) -> tuple[Any, Any]:
    """What decides whether user code loads: its source and its entry point."""
    return _limit(element_type, spec, "source"), _limit(element_type, spec, "handler")


def source_of(element_type: ElementType, spec: Mapping[str, Any]) -> Any:
    """The user code a spec carries or points to; None for a type without."""
    return _limit(element_type, spec, "source")


def requirements_of(element_type: ElementType, spec: Mapping[str, Any]) -> tuple[str, ...]:
    """What a spec's source needs beside it, sorted and without spaces: equal for specs that say the same."""
    source = source_of(element_type, spec)
    listed = source.get("requirements") or () if isinstance(source, Mapping) else ()
    return tuple(sorted("".join(each.split()) for each in listed))


def _limit(element_type: ElementType, spec: Mapping[str, Any], name: str) -> Any:
    pointer = element_type.limits.get(name)
    return at_pointer(spec, pointer) if pointer is not None else None
