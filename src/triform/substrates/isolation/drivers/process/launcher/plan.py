"""A sandbox as a value: made by the driver, sent to the launcher as JSON, carried out by `sandbox`. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Bind(NamedTuple):
    """A folder of the host, read-only at `target` inside."""

    source: str
    target: str


class Bounds(NamedTuple):
    """Hard bounds of one group of processes: bytes, processes and threads, CPUs (0 = not bounded)."""

    memory: int
    pids: int
    cpus: float


class Plan(NamedTuple):
    """One template sandbox and the bounds of it and of its clones.

    `root` is a root filesystem with the mount points; "" = an empty one in memory. An empty `command` ends
    the first process with 0 once everything has been set up: a trial.
    """

    root: str
    binds: tuple[Bind, ...]
    command: tuple[str, ...]
    filter: str
    """The template's seccomp program, base64."""
    tmp_bytes: int
    open_files: int
    processes: int
    """Processes and threads of the whole sandbox, by rlimit, where no cgroup counts them; 0 = not bounded."""
    data: int
    """Bytes of private memory each process may map, by rlimit, where no cgroup counts them; 0 = not bounded."""
    own: Bounds
    clone: Bounds

    def as_json(self) -> dict[str, Any]:
        return self._asdict()


def from_json(plan: Mapping[str, Any]) -> Plan:
    """The plan as `as_json` wrote it. TypeError, KeyError or ValueError when it is something else."""
    shaped = dict(plan)
    shaped["binds"] = tuple(Bind(*bind) for bind in plan["binds"])
    shaped["command"] = tuple(plan["command"])
    shaped["own"], shaped["clone"] = Bounds(*plan["own"]), Bounds(*plan["clone"])
    return Plan(**shaped)


MOUNT_POINTS: Sequence[str] = ("app", "bundle", "harness", "tmp", "proc", "dev")
"""Folders every runtime image has at its root."""

CLONES_FIRST = "/dev/init"
"""The program a harness starts as the first process of a clone's pid namespace."""

GUEST_ID = 1000
"""The uid and gid user code sees; on the host it is another, unprivileged one."""
