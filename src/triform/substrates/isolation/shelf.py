"""What the pool holds for one template spec, by which rules, and what it lends."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from triform.substrates.isolation.interfaces import Frame, Instance, LoadFailed, Template, TemplateSpec


@dataclass(frozen=True, slots=True)
class Footprint:
    """What the pool reckons with, in MiB; drivers differ widely."""

    template_mb: float = 40.0
    instance_mb: float = 1.0


@dataclass(frozen=True, slots=True)
class Policy:
    """Seconds and MiB. Failures of a load are remembered `failure_s`, those that may pass `passing_s`.

    `lag_s`: a lent spare is replaced so much later, when its run has its work and does not wait for us.
    """

    memory_mb: float
    footprint: Footprint = field(default_factory=Footprint)
    most_spares: int = 16
    idle_s: float = 300.0
    failure_s: float = 3600.0
    passing_s: float = 30.0
    tend_every_s: float = 5.0
    lag_s: float = 0.002


@dataclass(slots=True)
class Spare:
    """A READY instance that nobody has yet. `own`: its template is its alone and goes with it."""

    instance: Instance
    template: Template
    own: bool = False


@dataclass(slots=True)
class Shelf:
    """`target` spares are wanted, `leases` are out; `peak` is the most at once since it was last tended.

    `alone`: its templates serve one run each. `retired`: off the pool, gone when the last lease is back.
    """

    spec: TemplateSpec
    used_at: float = 0.0
    template: Template | None = None
    loading: "asyncio.Task[None] | None" = None
    failure: LoadFailed | None = None
    failed_at: float = 0.0
    spares: deque[Spare] = field(default_factory=deque)
    refill: "asyncio.Task[None] | None" = None
    target: int = 0
    leases: int = 0
    peak: int = 0
    alone: bool = False
    retired: bool = False

    @property
    def busy(self) -> bool:
        """Whether taking it apart now would hurt somebody."""
        return self.leases > 0 or self.loading is not None

    @property
    def empty(self) -> bool:
        return self.template is None and not self.spares

    def memory_mb(self, footprint: Footprint) -> float:
        """What it holds ready; instances at work are not the pool's."""
        templates = self.template is not None or self.loading is not None
        return templates * footprint.template_mb + len(self.spares) * self.spare_mb(footprint)

    def spare_mb(self, footprint: Footprint) -> float:
        """What one spare costs; alone, it brings its template."""
        return footprint.instance_mb + self.alone * footprint.template_mb

    @property
    def most_spares(self) -> int:
        """A spare that brings its own template is dear: one is enough."""
        return min(self.target, 1) if self.alone else self.target

    def wanted(self, count: int, most: int) -> None:
        """At least so many spares from now on, within the limit."""
        self.target = max(self.target, min(count, most))

    def failed(self, failure: LoadFailed, now: float) -> LoadFailed:
        """Remembers it, and wants no more spares."""
        self.failure, self.failed_at, self.target = failure, now, 0
        return failure

    def again(self) -> LoadFailed | None:
        """The remembered failure as a fresh exception (a raised one drags its traceback along)."""
        if (known := self.failure) is None:
            return None
        return LoadFailed(known.cause, known.error, known.output, known.ms, known.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A spare for one run. `cold`: nothing was ready; `loaded`: user code was loaded for this lease."""

    spare: Spare
    shelf: Shelf = field(repr=False)
    cold_start_ms: float = 0.0
    cold: bool = False
    loaded: bool = False

    @property
    def instance(self) -> Instance:
        return self.spare.instance

    @property
    def template(self) -> Template:
        return self.spare.template

    @property
    def load_output(self) -> tuple[Frame, ...]:
        return self.template.load_output if self.loaded else ()
