"""What of a posted body the handler sees: internal keys stripped, a lone envelope opened. Pure."""

from typing import Any

import msgspec

from triform.api.body import Body

INTERNAL = "_triform"
ENVELOPES = ("payload", "data", "input")


def opened(body: Body) -> Body:
    """Strips keys that begin with `_triform`; an object whose only key is an envelope's is unwrapped once,
    when an object is inside, and stripped again. Untouched bodies stay the bytes that were posted."""
    value = _unwrapped(_stripped(body.value))
    return body if value is body.value else Body(msgspec.json.encode(value), value)


def _stripped(value: Any) -> Any:
    if not isinstance(value, dict) or not any(key.startswith(INTERNAL) for key in value):
        return value
    return {key: member for key, member in value.items() if not key.startswith(INTERNAL)}


def _unwrapped(value: Any) -> Any:
    if not isinstance(value, dict) or len(value) != 1:
        return value
    key, inside = next(iter(value.items()))
    return _stripped(inside) if key in ENVELOPES and isinstance(inside, dict) else value
