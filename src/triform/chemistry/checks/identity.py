"""A type is who its folder says."""

import re
from collections.abc import Iterator

from triform.chemistry.complaints import DefinitionComplaint
from triform.chemistry.inherit import Resolved

RESERVED = frozenset({"api", "auth", "circles", "elements", "events", "git", "mcp", "ops"})
_WORD = re.compile(r"[a-z][a-z0-9-]{0,62}\Z")


def check_identity(resolved: Resolved) -> Iterator[DefinitionComplaint]:
    for kind, folder in (("type", resolved.name), ("category", resolved.category)):
        declared = resolved.value.get(kind, folder)
        if declared != folder:
            yield resolved.complaint((kind,), f"{kind} is {declared!r} but its folder is {folder!r}")
        if not _WORD.match(folder):
            yield resolved.complaint((kind,), f"{kind} {folder!r} is not a lower-case word")
        if folder in RESERVED:
            yield resolved.complaint((kind,), f"{kind} {folder!r} is a reserved name")
