"""Groups over the separate hierarchies of cgroup v1. Standard library only."""

import os
from collections.abc import Mapping
from pathlib import Path

from triform.substrates.isolation.drivers.process.launcher import figures
from triform.substrates.isolation.drivers.process.launcher.files import read, remove, write
from triform.substrates.isolation.drivers.process.launcher.home import Home
from triform.substrates.isolation.drivers.process.launcher.plan import Bounds

PERIOD_US = 100_000
_NEXT_TO_NOTHING = 1 << 20
_MEMORY_AND_SWAP = "memory.memsw.limit_in_bytes"


class Version1:
    """`bases`: controller → the folder groups may be made below."""

    def __init__(self, bases: dict[str, Path]) -> None:
        self._homes = {controller: Home(base) for controller, base in bases.items()}
        # Text, not Path: every run pays for these.
        self.places: Mapping[str, str] = {controller: f"{home.path}/" for controller, home in self._homes.items()}
        self.controllers = frozenset(bases) & {"memory", "pids", "cpu"}

    def make(self, name: str, bounds: Bounds) -> None:
        for controller, place in self.places.items():
            os.mkdir(place + name)  # noqa: PTH102
            for file, value in bounds_as_files(controller, bounds):
                write(f"{place}{name}/{file}", value, optional=file == _MEMORY_AND_SWAP)

    def join(self, name: str, pid: int) -> None:
        for place in self.places.values():
            write(f"{place}{name}/cgroup.procs", str(pid))

    def widen(self, name: str, memory: int, pids: int) -> None:
        if "pids" in self.places and pids:
            write(f"{self.places['pids']}{name}/pids.max", str(pids))
        if "memory" in self.places and memory:
            group = self.places["memory"] + name
            write(f"{group}/{_MEMORY_AND_SWAP}", str(memory), optional=True)
            write(f"{group}/memory.limit_in_bytes", str(memory))

    def usage(self, name: str) -> figures.Usage:
        return figures.usage(self.places, name)

    def watch(self, name: str) -> int | None:
        if "memory" not in self.places:
            return None
        group = self.places["memory"] + name
        event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        control = os.open(f"{group}/memory.oom_control", os.O_RDONLY)
        try:
            write(f"{group}/cgroup.event_control", f"{event} {control}")
        finally:
            os.close(control)
        return event

    def members(self, name: str) -> list[int]:
        place = next(iter(self.places.values()))
        return [int(pid) for pid in read(f"{place}{name}/cgroup.procs").split()]

    def renew(self, name: str) -> bool:
        """Making and removing four folders costs more than all else about a group. One that never ran out of
        memory and has next to nothing charged to it (cached pages of the image) can serve again."""
        if not {"memory", "cpuacct"} <= self.places.keys():
            return False
        memory = f"{self.places['memory']}{name}"
        if int(read(f"{memory}/memory.usage_in_bytes")) > _NEXT_TO_NOTHING:
            return False
        write(f"{memory}/memory.max_usage_in_bytes", "0")
        write(f"{self.places['cpuacct']}{name}/cpuacct.usage", "0")
        return True

    def remove(self, name: str) -> bool:
        return all([remove(place + name) for place in self.places.values()])

    def close(self) -> None:
        for home in self._homes.values():
            home.close()


def bounds_as_files(controller: str, bounds: Bounds) -> list[tuple[str, str]]:
    if controller == "memory" and bounds.memory:
        # Swap counts into memsw; equal bounds leave none. It must not be below the memory bound, so it is last.
        return [("memory.limit_in_bytes", str(bounds.memory)), (_MEMORY_AND_SWAP, str(bounds.memory))]
    if controller == "pids" and bounds.pids:
        return [("pids.max", str(bounds.pids))]
    if controller == "cpu" and bounds.cpus:
        return [("cpu.cfs_quota_us", str(int(bounds.cpus * PERIOD_US)))]
    return []
