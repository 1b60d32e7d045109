"""Failures as JSON: one form for the `error` column, one for the wire."""

from collections.abc import Mapping
from typing import Any

import msgspec

from triform.errors import Complaint, Failure, Suggestion

_SUGGESTED = ("code", "why", "fix", "op", "patch", "example", "docs")


def encode_failure(failure: Failure | None) -> bytes | None:
    """UTF-8 JSON {code, class, message, retryable, suggestion, errors, facts} for storage; None stays None."""
    if failure is None:
        return None
    return _ENCODER.encode(
        {
            "code": failure.code,
            "class": failure.kind,
            "message": failure.message,
            "retryable": failure.retryable,
            "suggestion": suggestion_json(failure.suggestion),
            "errors": complaints_json(failure.errors),
            "facts": failure.facts,
        }
    )


def decode_failure(stored: bytes | None) -> Failure | None:
    """The inverse of `encode_failure`; facts come back as plain JSON values."""
    if stored is None:
        return None
    raw = msgspec.json.decode(stored)
    return Failure(
        code=raw["code"],
        kind=raw["class"],
        message=raw["message"],
        retryable=raw["retryable"],
        suggestion=_suggestion(raw["suggestion"]),
        errors=tuple(Complaint(**each) for each in raw["errors"]),
        facts=raw["facts"],
    )


def failure_json(failure: Failure) -> dict[str, Any]:
    """The `error` of a run: {code, class, message, retryable, _suggestion?, errors?, facts…}."""
    shown: dict[str, Any] = _plain(failure.facts)
    shown |= {
        "code": failure.code,
        "class": failure.kind,
        "message": failure.message,
        "retryable": failure.retryable,
    }
    if failure.suggestion is not None:
        shown["_suggestion"] = suggestion_json(failure.suggestion)
    if failure.errors:
        shown["errors"] = complaints_json(failure.errors)
    return shown


def suggestion_json(suggestion: Suggestion | None) -> dict[str, Any] | None:
    """{code?, why, fix, op?, patch?, example?, docs?}; what is not said is left out."""
    if suggestion is None:
        return None
    said = ((name, getattr(suggestion, name)) for name in _SUGGESTED)
    return {name: _plain(value) for name, value in said if value is not None}


def complaints_json(complaints: tuple[Complaint, ...]) -> list[dict[str, str]]:
    """[{pointer, message}]."""
    return [{"pointer": each.pointer, "message": each.message} for each in complaints]


def _suggestion(raw: Mapping[str, Any] | None) -> Suggestion | None:
    if raw is None:
        return None
    patch = raw.get("patch")
    return Suggestion(**{**raw, "patch": None if patch is None else tuple(patch)})


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, str_keys=True, enc_hook=_as_json)


def _as_json(value: Any) -> Any:
    """A failure must always be storable: what is no JSON is shown as text."""
    return dict(value) if isinstance(value, Mapping) else str(value)


_ENCODER = msgspec.json.Encoder(enc_hook=_as_json)
