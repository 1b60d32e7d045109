"""What the launcher can kill: a template or a clone, each with a group of its own. Standard library only."""

import signal
from pathlib import Path

from triform.substrates.isolation.drivers.process.launcher.plan import Plan
from triform.substrates.isolation.drivers.process.launcher.uids import Uid


class Unit:
    """A first process, its group, and whether memory ran out. Killing the first process of a pid namespace
    kills everything in it."""

    def __init__(self, group: str, pid: int, pidfd: int, watch: int | None) -> None:
        self.group, self.pid, self.pidfd, self.watch = group, pid, pidfd, watch
        self.oom = False

    def kill(self) -> None:
        try:
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        except ProcessLookupError:
            return


class Template(Unit):
    """A template sandbox. `spawning` and `discarding` are the requests that wait for it, if any."""

    def __init__(self, name: str, plan: Plan, uid: Uid, unit: tuple[int, int, int | None], trouble: int) -> None:
        super().__init__(own_group(name), *unit)
        self.name, self.plan, self.uid, self.trouble = name, plan, uid, trouble
        self.namespace = user_namespace(self.pid)
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
    try:
        return str(Path(f"/proc/{pid}/ns/user").readlink())
    except OSError:
        return ""
