"""What keeps an element from being deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from triform.elements.model import Element
from triform.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Bond:
    """Something that still needs an element: `kind` is `run`, `child`, `attachment`, `member` or `member of`."""

    kind: str
    name: str
    """The id of a run, the slug of an element, `modifier on target` of an attachment."""


class Bonds(Protocol):
    """What of another room still needs an element. Asked inside the deleting transaction."""

    async def of(self, element: Element, tx: Transaction, limit: int) -> Sequence[Bond]: ...
