"""Keeping credentials out of logs: by the name of a field, and inside URLs."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

REDACTED = "[redacted]"

_TELLING = re.compile(r"password|passwd|token|secret|authorization|cookie|credential|api_?key|signing_?key", re.I)
_HARMLESS = re.compile(r"(_id|_ids|_count|_ms)$", re.I)
_LOGIN_IN_URL = re.compile(r"(?<=://)([^\s/@:]*):[^\s/@]+(?=@)")
_DEEPEST = 8


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the values of telling fields are replaced, however deep they lie."""
    return {name: _field(name, value, _DEEPEST) for name, value in event.items()}


def _field(name: Any, value: Any, depth: int) -> Any:
    if _tells(name) and not isinstance(value, bool | int | float | None):
        return REDACTED
    return _value(value, depth)


def _value(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _LOGIN_IN_URL.sub(r"\1:" + REDACTED, value)
    if depth == 0:
        return "…" if isinstance(value, Mapping | list | tuple) else value
    if isinstance(value, Mapping):
        return {name: _field(name, inner, depth - 1) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_value(inner, depth - 1) for inner in value]
    return value


def _tells(name: Any) -> bool:
    return isinstance(name, str) and bool(_TELLING.search(name)) and not _HARMLESS.search(name)
