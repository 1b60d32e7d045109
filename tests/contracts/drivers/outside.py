"""What the host can see of sandboxes: their processes, groups and mounts."""

import os
from pathlib import Path

from triform.testing.groups import homes_of

_BOUNDS = ("memory.limit_in_bytes", "memory.max", "pids.max", "cpu.cfs_quota_us", "cpu.max")


def user_namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/user").readlink())
    except OSError:
        return ""


def namespaces(pid: int | str) -> dict[str, str]:
    """Which ones a process is in, by kind."""
    return {entry.name: str(entry.readlink()) for entry in Path(f"/proc/{pid}/ns").iterdir()}


def oom_score(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def pids_in(namespace: str) -> set[int]:
    """Every process of a user namespace."""
    return {
        int(entry.name) for entry in Path("/proc").glob("[0-9]*") if user_namespace(int(entry.name)) == namespace
    }


def children_of(pid: int) -> set[int]:
    """Every process whose parent this is."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.add(int(entry.name))
    return found


def title_of(pid: int) -> str:
    """What a process calls itself; "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().strip("\0")
    except OSError:
        return ""


def groups_of(launcher: int) -> set[str]:
    """Names of the cgroups a launcher has made, over all hierarchies."""
    return {name for home in homes_of(launcher) for _, groups, _ in os.walk(home) for name in groups}


def bounds_of(launcher: int, group: str) -> dict[str, str]:
    """What the kernel holds one group to, by file, over all hierarchies."""
    files = [file for home in homes_of(launcher) for name in _BOUNDS for file in (home / group).glob(name)]
    return {file.name: file.read_text().strip() for file in files}


def host_uid(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("Uid:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)


def of_root(pid: int) -> bool:
    return host_uid(pid) == 0


def mounts() -> list[str]:
    """Without disks: those are other tests', which come and go."""
    return [
        line for line in Path("/proc/self/mounts").read_text().splitlines() if not line.startswith("/dev/loop")
    ]
