"""Whether the user code in a spec can be taken; asked on every save that changes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from triform.chemistry.element_type import ElementType
from triform.errors import Complaint, Failure, Suggestion


@dataclass(frozen=True, slots=True)
class SourceVerdict:
    """`failure` refuses the save with the type's own error code; pointers lead into the spec.

    `warnings` only tell (a handler that cannot be seen without running the code). `errors` are the complaints
    of `failure`, where it has none of its own; without a failure they refuse the spec, with `suggestion`.
    """

    errors: tuple[Complaint, ...] = ()
    warnings: tuple[Complaint, ...] = ()
    failure: Failure | None = None
    suggestion: Suggestion | None = None


@dataclass(frozen=True, slots=True)
class CodeFile:
    """The file that a spec says its code is in; no `text` while there is no such file."""

    path: str
    text: str | None


class SourceCheck(Protocol):
    """Reads user code without executing any of it."""

    async def check(
        self, element_type: ElementType, spec: Mapping[str, Any], file: CodeFile | None = None
    ) -> SourceVerdict:
        """`spec` is complete and valid; `file` is given where it has its code in one. May take as long as starting
        an interpreter takes."""
