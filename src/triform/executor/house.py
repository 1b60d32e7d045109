"""What the phases work with. `wiring` fills it; nothing here names a concrete substrate."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from triform.chemistry.catalogue import Catalogue
from triform.clock import Clock
from triform.elements.model import Element
from triform.elements.secrets import Secrets
from triform.executor.backlog import Backlog
from triform.executor.commits import Commits
from triform.executor.live import LiveRuns
from triform.executor.lookup import Lookup
from triform.executor.metrics import TypeMetrics
from triform.executor.passage import Outcome, Passage, Proceed
from triform.executor.rules import SpecRules
from triform.executor.run_figures import RunFigures
from triform.executor.slots import Slots
from triform.executor.tasks import Tasks
from triform.ids import Ids
from triform.observability.tracing import Tracing
from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.masks import Masks
from triform.runs.model import Run
from triform.runs.spool import Spool
from triform.storage.database import Database, Transaction
from triform.substrates.interfaces import Substrate
from triform.wallet.ledger import Ledger


class Transactional(Protocol):
    """The substrate of the product's own operations: effect, run and events in one transaction."""

    async def prepare(self, call: Call) -> Any:
        """The slow part, without a transaction."""

    async def transact(self, call: Call, tx: Transaction, prepared: Any) -> Reply: ...


class Modifier(Protocol):
    """Something attached to an element that changes how it runs; lower `priority` is further outside."""

    priority: int

    async def around(self, passage: Passage, proceed: Proceed) -> Outcome: ...


class Hook(Protocol):
    """A lifecycle step that runtime.yaml names: before a run (`run` None), after it, or on its error."""

    async def __call__(self, passage: Passage, run: Run | None, house: "House") -> None: ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of the executor itself, from the settings."""

    log_bytes: int
    queue_wait_s: float
    key_ttl: timedelta
    lease_s: float
    input_bytes: int
    """What a run may be given."""
    kept_input_bytes: int = 64 << 10
    """Inputs of platform operations beyond this are kept as digest and size only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The collaborators of every phase. `worker_id` names this process while it lives."""

    catalogue: Catalogue
    clock: Clock
    ids: Ids
    database: Database
    bounds: Bounds
    elements: Lookup
    commits: Commits
    slots: Slots
    backlog: Backlog
    tasks: Tasks
    live: LiveRuns
    spool: Spool
    ledger: Ledger
    platform: Transactional
    substrates: Mapping[str, Substrate]
    hooks: Mapping[str, Hook]
    rules: SpecRules
    secrets: Secrets
    masks: Masks
    metrics: TypeMetrics
    figures: RunFigures
    tracing: Tracing
    modifiers: Callable[[Element], Awaitable[Sequence[Modifier]]]
    worker_id: UUID
