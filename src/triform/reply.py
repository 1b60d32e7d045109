"""What one of the product's own operations answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    """A JSON-serialisable value (bytes, where the answer is of another media type) and the headers of the answer.

    `events` are written in the same transaction: (kind, data), e.g. ("element.updated", {...}).
    `recorded` is what the run keeps as its output when the answer itself must not be kept (a new secret).
    `after_commit` are called once the transaction has been committed (memories that must forget).
    """

    value: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    events: tuple[tuple[str, Any], ...] = ()
    recorded: Any = None
    after_commit: tuple[Callable[[], None], ...] = ()
