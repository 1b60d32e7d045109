"""What the executor hands work to, and what it expects back. Substrates do not know each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from triform.runs.call import Call
from triform.runs.model import Ended
from triform.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Reply:
    """What a platform operation answers: a JSON-serialisable value and headers that belong to it."""

    value: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    events: tuple[tuple[str, Any], ...] = ()
    """Events to write in the same transaction: (kind, data), e.g. ("element.updated", {...})."""


class PlatformOperation(Protocol):
    """One of the product's own operations; effect, run and event share `tx`."""

    async def __call__(self, call: Call, tx: Transaction) -> Reply: ...


class RunContext(Protocol):
    """What a substrate may tell and ask while an attempt runs."""

    run_id: UUID
    attempt: int

    def write(self, stream: str, data: bytes) -> None:
        """Raw bytes the user code printed; `stream` is "stdout" or "stderr". Never blocks, never raises."""

    def progress(self, percent: float | None, message: str, data: Any) -> None:
        """Progress the user code reported."""

    async def cancelled(self) -> None:
        """Returns when cancellation has been asked for; never otherwise."""


class Substrate(Protocol):
    """Carries out an operation that is not the platform's own.

    `perform` never raises for anything the user's code or spec did: that is an `Ended` with a failure.
    It returns only when nothing of the attempt is left running. If its task is cancelled it first ends the
    sandbox, then lets the cancellation through.
    """

    async def perform(self, call: Call, context: RunContext) -> Ended: ...
