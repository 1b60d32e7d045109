"""As much of RFC 6902 as suggestions use."""

from copy import deepcopy
from typing import Any


def patched(spec: Any, patch: list[dict[str, Any]]) -> Any:
    """The spec with the patch applied, as a client would do it."""
    spec = deepcopy(spec)
    for step in patch:
        value = step.get("value")
        if step["op"] == "move":
            parent, name = _place(spec, step["from"])
            value = parent.pop(name)
        parent, name = _place(spec, step["path"])
        if step["op"] == "remove":
            del parent[int(name) if isinstance(parent, list) else name]
        elif isinstance(parent, list) and name == "-":
            parent.append(value)
        elif isinstance(parent, list):
            parent[int(name)] = value
        else:
            parent[name] = value
    return spec


def _place(spec: Any, pointer: str) -> tuple[Any, str]:
    *path, name = pointer.removeprefix("/").split("/")
    for step in path:
        spec = spec[step]
    return spec, name
