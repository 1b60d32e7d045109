"""What the launcher asks of a way to bound groups of processes. Standard library only."""

from typing import NamedTuple, Protocol

from triform.substrates.isolation.drivers.process.launcher.plan import Bounds


class Usage(NamedTuple):
    """What a group has used so far. `oom_kills`: processes killed because memory ran out."""

    oom_kills: int
    cpu_ms: float
    memory_peak: int


class Groups(Protocol):
    """Bounds for groups of processes; names are free text without a slash."""

    controllers: frozenset[str]
    """Which of memory, pids, cpu are really enforced."""

    def make(self, name: str, bounds: Bounds) -> None: ...

    def join(self, name: str, pid: int) -> None: ...

    def widen(self, name: str, memory: int) -> None:
        """Another memory bound, in bytes."""

    def usage(self, name: str) -> Usage: ...

    def watch(self, name: str) -> int | None:
        """A descriptor that becomes readable when the group runs out of memory; None: look at `usage`."""

    def members(self, name: str) -> list[int]: ...

    def renew(self, name: str) -> bool:
        """Makes an ended group as good as new, all counters at zero; False: it must be removed instead."""

    def remove(self, name: str) -> bool:
        """False while a process that nobody has waited for is still in it."""

    def close(self) -> None:
        """Removes this launcher's folders."""
