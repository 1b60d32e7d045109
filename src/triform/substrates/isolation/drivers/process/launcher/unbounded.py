"""Groups without cgroup rights: memory and processes are looked at every few milliseconds instead of bounded
by the kernel. Weaker: a burst between two looks is seen late, and numbers are samples. Standard library only.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from triform.substrates.isolation.drivers.process.launcher.figures import Usage
from triform.substrates.isolation.drivers.process.launcher.files import field, read
from triform.substrates.isolation.drivers.process.launcher.plan import Bounds

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


class Unbounded:
    """Remembers who joined each group; `look` samples them and everything below them."""

    controllers: frozenset[str] = frozenset()
    places: Mapping[str, str] = MappingProxyType({})

    def __init__(self) -> None:
        self._bounds: dict[str, Bounds] = {}
        self._joined: dict[str, list[int]] = {}
        self._usage: dict[str, Usage] = {}

    def make(self, name: str, bounds: Bounds) -> None:
        self._bounds[name] = bounds
        self._usage[name] = Usage(0, 0.0, 0)

    def join(self, name: str, pid: int) -> None:
        self._joined.setdefault(name, []).append(pid)

    def widen(self, name: str, memory: int, pids: int) -> None:
        before = self._bounds[name]
        self._bounds[name] = before._replace(memory=memory or before.memory, pids=pids or before.pids)

    def usage(self, name: str) -> Usage:
        return self._usage[name]

    def watch(self, name: str) -> int | None:
        return None

    def members(self, name: str) -> list[int]:
        return list(self._below(self._joined.get(name, [])))

    def renew(self, name: str) -> bool:
        return False

    def remove(self, name: str) -> bool:
        for table in (self._bounds, self._joined, self._usage):
            table.pop(name, None)
        return True

    def close(self) -> None:
        return

    def look(self) -> list[str]:
        """Samples every group; the names of those over their bounds."""
        return [name for name in self._joined if self._look(name)]

    def _look(self, name: str) -> bool:
        bounds, before = self._bounds[name], self._usage[name]
        memory, cpu_ms, tasks = _measure(self.members(name))
        over = bool(bounds.memory and memory > bounds.memory)
        self._usage[name] = Usage(
            before.oom_kills + over, max(before.cpu_ms, cpu_ms), max(before.memory_peak, memory)
        )
        return over or bool(bounds.pids and tasks > bounds.pids)

    def _below(self, joined: list[int]) -> Iterator[int]:
        """These processes and all below them, without those of other groups."""
        others = {pid for pids in self._joined.values() for pid in pids if pid not in joined}
        pending = list(joined)
        while pending:
            pid = pending.pop()
            yield pid
            pending += [child for child in _children(pid) if child not in others]


def _measure(pids: Iterable[int]) -> tuple[int, float, int]:
    """Private bytes, CPU milliseconds and threads of some processes."""
    memory, cpu_ms, tasks = 0, 0.0, 0
    for pid in pids:
        folder = Path("/proc") / str(pid)
        try:
            rollup = read(folder / "smaps_rollup")
            numbers = read(folder / "stat").rpartition(")")[2].split()
        except OSError:
            continue
        memory += 1024 * sum(field(rollup, f"{what}:\\s+") for what in ("Private_Dirty", "Private_Clean"))
        if numbers:
            cpu_ms += sum(map(int, numbers[11:15])) * _TICK_MS
            tasks += int(numbers[17])
    return memory, cpu_ms, tasks


def _children(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for thread in threads for child in read(thread / "children").split()]
    except OSError:
        return []
