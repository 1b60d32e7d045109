"""How a partial update meets what is there: JSON Merge Patch (RFC 7396)."""

from collections.abc import Mapping
from typing import Any


def deep_merge(base: Any, patch: Any) -> Any:
    """`base` with `patch` merged in: objects by member, everything else (lists too) replaced.

    A null member removes that member, so that its default applies again. Neither argument is changed.
    """
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(base) if isinstance(base, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = deep_merge(merged.get(name), value)
    return merged


def shallow_merge(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the members of `patch` in place of its own; a null member removes it."""
    return {name: value for name, value in {**base, **patch}.items() if name not in patch or value is not None}
