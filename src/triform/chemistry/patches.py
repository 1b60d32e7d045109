"""RFC 6902 patches in suggestions, made applicable to the very spec that was posted."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from triform.errors import Suggestion


def applicable(suggestion: Suggestion, posted: Mapping[str, Any]) -> Suggestion:
    """The suggestion with `add` steps put before its patch for every parent the posted spec lacks."""
    if not suggestion.patch:
        return suggestion
    return dataclasses.replace(suggestion, patch=(*_missing_parents(suggestion, posted), *suggestion.patch))


def _missing_parents(suggestion: Suggestion, posted: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    made: set[str] = set()
    for step in suggestion.patch or ():
        around: Any = posted
        parents = str(step["path"]).split("/")[1:-1]
        for depth, name in enumerate(parents, start=1):
            path = "/" + "/".join(parents[:depth])
            around = around.get(name) if isinstance(around, Mapping) else None
            if not isinstance(around, (Mapping, list)) and path not in made:
                made.add(path)
                yield {"op": "add", "path": path, "value": {}}
