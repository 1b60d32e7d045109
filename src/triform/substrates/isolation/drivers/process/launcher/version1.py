"""Groups over the separate hierarchies of cgroup v1. Standard library only."""

import os
from pathlib import Path

from triform.substrates.isolation.drivers.process.launcher.files import field, read, write
from triform.substrates.isolation.drivers.process.launcher.groups import Usage
from triform.substrates.isolation.drivers.process.launcher.home import Home
from triform.substrates.isolation.drivers.process.launcher.plan import Bounds

PERIOD_US = 100_000


class Version1:
    """Separate hierarchies. `bases`: controller → the folder groups may be made below."""

    def __init__(self, bases: dict[str, Path]) -> None:
        self._homes = {controller: Home(base) for controller, base in bases.items()}
        self.controllers = frozenset(bases) & {"memory", "pids", "cpu"}

    def make(self, name: str, bounds: Bounds) -> None:
        for controller, home in self._homes.items():
            group = home.path / name
            group.mkdir()
            for file, value in bounds_as_files(controller, bounds):
                write(group / file, value)

    def join(self, name: str, pid: int) -> None:
        for home in self._homes.values():
            write(home.path / name / "cgroup.procs", str(pid))

    def widen(self, name: str, memory: int) -> None:
        if "memory" in self._homes:
            group = self._homes["memory"].path / name
            write(group / "memory.memsw.limit_in_bytes", str(memory), optional=True)
            write(group / "memory.limit_in_bytes", str(memory))

    def usage(self, name: str) -> Usage:
        return Usage(
            oom_kills=field(self._read("memory", name, "memory.oom_control"), "oom_kill"),
            cpu_ms=int(self._read("cpuacct", name, "cpuacct.usage") or 0) / 1e6,
            memory_peak=int(self._read("memory", name, "memory.max_usage_in_bytes") or 0),
        )

    def watch(self, name: str) -> int | None:
        if "memory" not in self._homes:
            return None
        group = self._homes["memory"].path / name
        event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        control = os.open(group / "memory.oom_control", os.O_RDONLY)
        try:
            write(group / "cgroup.event_control", f"{event} {control}")
        finally:
            os.close(control)
        return event

    def members(self, name: str) -> list[int]:
        home = next(iter(self._homes.values()))
        return [int(pid) for pid in read(home.path / name / "cgroup.procs").split()]

    def remove(self, name: str) -> bool:
        return all([home.remove(name) for home in self._homes.values()])

    def close(self) -> None:
        for home in self._homes.values():
            home.close()

    def _read(self, controller: str, name: str, file: str) -> str:
        home = self._homes.get(controller)
        return read(home.path / name / file) if home else ""


def bounds_as_files(controller: str, bounds: Bounds) -> list[tuple[str, str]]:
    if controller == "memory" and bounds.memory:
        # Swap counts into memsw; equal bounds leave none. It must not be below the memory bound, so it is last.
        return [("memory.limit_in_bytes", str(bounds.memory)), ("memory.memsw.limit_in_bytes", str(bounds.memory))]
    if controller == "pids" and bounds.pids:
        return [("pids.max", str(bounds.pids))]
    if controller == "cpu" and bounds.cpus:
        return [("cpu.cfs_quota_us", str(int(bounds.cpus * PERIOD_US)))]
    return []
