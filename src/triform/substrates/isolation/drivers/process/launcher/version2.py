"""Groups over the unified hierarchy of cgroup v2. Standard library only."""

from collections.abc import Mapping
from pathlib import Path

from triform.substrates.isolation.drivers.process.launcher import figures
from triform.substrates.isolation.drivers.process.launcher.files import read, write
from triform.substrates.isolation.drivers.process.launcher.home import Home
from triform.substrates.isolation.drivers.process.launcher.plan import Bounds

PERIOD_US = 100_000


class Version2:
    """The unified hierarchy; `base` must be able to hand `controllers` on to folders below it."""

    def __init__(self, base: Path, controllers: frozenset[str]) -> None:
        self._home = Home(base)
        self.places: Mapping[str, str] = {figures.UNIFIED: f"{self._home.path}/"}
        self.controllers = controllers
        enable(self._home.path, controllers)

    def make(self, name: str, bounds: Bounds) -> None:
        group = self._home.path / name
        group.mkdir()
        for file, value in bounds_as_files(bounds):
            if file.partition(".")[0] in self.controllers:
                write(group / file, value, optional=file not in ("memory.max", "pids.max", "cpu.max"))

    def join(self, name: str, pid: int) -> None:
        write(self._home.path / name / "cgroup.procs", str(pid))

    def widen(self, name: str, memory: int, pids: int) -> None:
        for controller, most in (("memory", memory), ("pids", pids)):
            if controller in self.controllers and most:
                write(self._home.path / name / f"{controller}.max", str(most))

    def usage(self, name: str) -> figures.Usage:
        return figures.usage(self.places, name)

    def watch(self, name: str) -> int | None:
        return None  # memory.oom.group ends the whole group by itself

    def members(self, name: str) -> list[int]:
        return [int(pid) for pid in read(self._home.path / name / "cgroup.procs").split()]

    def renew(self, name: str) -> bool:
        return False

    def remove(self, name: str) -> bool:
        return self._home.remove(name)

    def close(self) -> None:
        self._home.close()


def bounds_as_files(bounds: Bounds) -> list[tuple[str, str]]:
    settings = []
    if bounds.memory:
        settings += [("memory.max", str(bounds.memory)), ("memory.swap.max", "0"), ("memory.oom.group", "1")]
    if bounds.pids:
        settings.append(("pids.max", str(bounds.pids)))
    if bounds.cpus:
        settings.append(("cpu.max", f"{int(bounds.cpus * PERIOD_US)} {PERIOD_US}"))
    return settings


def enable(group: Path, controllers: frozenset[str]) -> None:
    """Hands controllers on to the folders below. OSError EBUSY while processes sit in `group` itself."""
    write(group / "cgroup.subtree_control", " ".join(f"+{name}" for name in sorted(controllers)))
