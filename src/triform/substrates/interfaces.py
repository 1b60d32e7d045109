"""What the executor hands work to, and what it expects back. Substrates do not know each other."""

from typing import Any, Protocol
from uuid import UUID

from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.model import Ended
from triform.storage.database import Transaction

__all__ = ["PLATFORM", "PlatformOperation", "PreparedOperation", "Reply", "RunContext", "Substrate"]

PLATFORM = "platform"
"""The substrate whose operations are the product's own: one transaction each."""


class PlatformOperation(Protocol):
    """One of the product's own operations; effect, run and event share `tx`."""

    async def __call__(self, call: Call, tx: Transaction) -> Reply: ...


class PreparedOperation(Protocol):
    """One with a slow part (parsing user code) that must not hold a transaction open.

    `prepare` runs first, without a transaction, and may refuse by raising; what it returns comes back as
    `prepared`. It saw the element as it was then, so the call proper checks again what may have changed.
    """

    async def prepare(self, call: Call) -> Any: ...

    async def __call__(self, call: Call, tx: Transaction, prepared: Any) -> Reply: ...


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
    What gave a result may still be coming to its end when it returns; nothing else of the attempt is left
    running. If its task is cancelled it first ends the sandbox, then lets the cancellation through.
    """

    async def perform(self, call: Call, context: RunContext) -> Ended: ...

    async def answer(self, call: Call) -> Reply:
        """An operation that leaves no run, such as `diagnostics`. Raises TriformError for a refusal."""
