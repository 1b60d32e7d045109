"""What the launcher can kill: a template or a clone, each with a group of its own. Standard library only."""

import os
import signal

from triform.substrates.isolation.drivers.process.launcher.plan import Plan
from triform.substrates.isolation.drivers.process.launcher.uids import Uid


class Unit:
    """A first process, its group, and whether memory ran out. Killing the first process of a pid namespace
    kills everything in it."""

    def __init__(self, group: str, pid: int, pidfd: int, watch: int | None) -> None:
        self.group, self.pid, self.pidfd, self.watch = group, pid, pidfd, watch
        self.oom = False

    def kill(self) -> bool:
        """False when it is gone already."""
        try:
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True


class Template(Unit):
    """A template sandbox. `spawning` and `discarding` are the requests that wait for it, if any; `told`: where
    it says what went wrong before its start, and how its harness ended."""

    def __init__(
        self, name: str, plan: Plan, uid: Uid, unit: tuple[int, int, int | None], told: tuple[int, int]
    ) -> None:
        super().__init__(own_group(name), *unit)
        self.name, self.plan, self.uid = name, plan, uid
        self.trouble, self.status = told
        self.namespace = user_namespace(self.pid)
        self.harness = self.pid
        self.spawning: int | None = None
        self.discarding: list[int] = []
        self.clones = 0
        self.free: list[tuple[str, int | None]] = []
        """Groups of ended clones that can serve again, with their watches."""
        self.widened = 0


def own_group(template: str) -> str:
    return f"{template}.z"


def user_namespace(pid: int) -> str:
    """Which user namespace a process is in; "" when it is gone."""
    return _namespace(pid, "user")


def together(one: int, other: int) -> bool:
    """Whether two processes are in the same pid namespace."""
    shared = _namespace(one, "pid")
    return bool(shared) and shared == _namespace(other, "pid")


def _namespace(pid: int, kind: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")  # noqa: PTH115 - every run pays for it
    except OSError:
        return ""
