"""Which cgroups this process may use: the mounts, its own place in them, and what can be written there.

Candidates are the process's own group (so that a container's or service's bounds hold for what is below)
and, for root, the top of the mount. Standard library only.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from triform.substrates.isolation.drivers.process.launcher.files import folders, read, write
from triform.substrates.isolation.drivers.process.launcher.groups import Groups
from triform.substrates.isolation.drivers.process.launcher.unbounded import Unbounded
from triform.substrates.isolation.drivers.process.launcher.version1 import Version1
from triform.substrates.isolation.drivers.process.launcher.version2 import Version2, enable

WANTED = ("memory", "pids", "cpu", "cpuacct")


class Mount(NamedTuple):
    """A mounted hierarchy: `controllers` is empty for v2; `root` is what of it is seen at `point`."""

    point: Path
    root: str
    controllers: frozenset[str]


def choose() -> Groups:
    """The strongest bounds this machine and this user allow."""
    mounts = list(read_mounts(read(Path("/proc/self/mountinfo"))))
    own = read(Path("/proc/self/cgroup"))
    bases = version1_bases(mounts, own)
    if "memory" in bases:
        return Version1(bases)
    return _version2(mounts, own) or (Version1(bases) if bases else Unbounded())


def read_mounts(mountinfo: str) -> Iterator[Mount]:
    for line in mountinfo.splitlines():
        fields, _, tail = line.partition(" - ")
        kind, _, options = tail.split(" ", 2)
        root, point = fields.split(" ")[3:5]
        if kind == "cgroup2":
            yield Mount(Path(point), root, frozenset())
        elif kind == "cgroup":
            yield Mount(Path(point), root, frozenset(options.split(",")) & frozenset(WANTED))


def version1_bases(mounts: list[Mount], own: str) -> dict[str, Path]:
    """Controller → the folder to make groups below."""
    found = {}
    for mount in mounts:
        for controller in mount.controllers:
            usable = [place for place in places(mount, own, controller) if os.access(place, os.W_OK)]
            if usable:
                found[controller] = usable[0]
    return found


def places(mount: Mount, own: str, controller: str) -> list[Path]:
    """Own group first, then the top of the mount. `own` is the text of /proc/self/cgroup."""
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            below = path.removeprefix(mount.root if mount.root != "/" else "").lstrip("/")
            return [place for place in dict.fromkeys((mount.point / below, mount.point)) if place.is_dir()]
    return [mount.point]


def _version2(mounts: list[Mount], own: str) -> Version2 | None:
    for mount in mounts:
        for base in places(mount, own, "") if not mount.controllers else ():
            controllers = frozenset(read(base / "cgroup.controllers").split()) & frozenset(WANTED)
            if controllers and os.access(base, os.W_OK) and _hand_on(base, controllers):
                return Version2(base, controllers)
    return None


def _hand_on(base: Path, controllers: frozenset[str]) -> bool:
    """v2 lets a group hand controllers on only when no process sits in it: ours move one level down."""
    try:
        enable(base, controllers)
    except OSError:
        if not _move_down(base):
            return False
        try:
            enable(base, controllers)
        except OSError:
            return False
    return True


def _move_down(base: Path) -> bool:
    pids = [int(pid) for pid in read(base / "cgroup.procs").split()]
    if not pids or not all(map(_ours, pids)):
        return False
    below = base / "triform"
    if below not in folders(base):
        below.mkdir()
    for pid in pids:
        write(below / "cgroup.procs", str(pid))
    return True


def _ours(pid: int) -> bool:
    """Whether a process is the server that started this launcher, or below it."""
    server = os.getppid()
    while pid > 1:
        if pid == server:
            return True
        pid = int(read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()[1] or 0)
    return False
