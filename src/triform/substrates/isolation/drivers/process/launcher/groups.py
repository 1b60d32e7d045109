"""What the launcher asks of a way to bound groups of processes. Standard library only."""

from collections.abc import Mapping
from typing import Protocol

from triform.substrates.isolation.drivers.process.launcher.figures import Usage
from triform.substrates.isolation.drivers.process.launcher.plan import Bounds


class Groups(Protocol):
    """Bounds for groups of processes; names are free text without a slash."""

    controllers: frozenset[str]
    """Which of memory, pids, cpu are really enforced."""

    places: Mapping[str, str]
    """Where `figures.usage` finds the files of groups; empty: only `usage` knows."""

    def make(self, name: str, bounds: Bounds) -> None: ...

    def join(self, name: str, pid: int) -> None: ...

    def widen(self, name: str, memory: int, pids: int) -> None:
        """Other bounds: bytes, processes and threads; 0 leaves one as it is."""

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
