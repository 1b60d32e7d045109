"""Where the processor time of a run goes: server, database, launcher, sandboxes."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figures
from bench.ours import Instance
from triform.testing.groups import homes_of

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU milliseconds per run by part."""

    parts: dict[str, float]

    def table(self) -> str:
        lines = ["| part | CPU ms per run |", "|---|---:|"]
        return "\n".join(lines + [f"| {name} | {ms:.2f} |" for name, ms in sorted(self.parts.items())])


async def cost_per_run(instance: Instance, work: Callable[[], Awaitable[Figures]]) -> Cost:
    """CPU used by an instance while `work` goes on, per run of it (its warm-up included)."""
    before = _usage(instance)
    done = await work()
    after = _usage(instance)
    runs = done.runs * 1.1
    return Cost({part: (after[part] - before.get(part, 0.0)) / runs for part in after})


def _usage(instance: Instance) -> dict[str, float]:
    launchers = children(instance.pid)
    return {
        "server": _cpu_ms(instance.pid),
        "postgres": sum(map(_cpu_ms, tree(instance.postgres))),
        "launcher": sum(map(_cpu_ms, launchers)),
        "sandboxes": sum(map(_sandboxes_ms, launchers)),
    }


def tree(pid: int) -> list[int]:
    return [pid, *(below for child in children(pid) for below in tree(child))]


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_MS


def _sandboxes_ms(launcher: int) -> float:
    """Cgroups add up what lived in them, also what is gone."""
    return sum(map(_group_ms, homes_of(launcher)))


def _group_ms(home: Path) -> float:
    """cgroup v1 or v2; 0 for a hierarchy that does not count time."""
    if (usage := home / "cpuacct.usage").exists():
        return int(usage.read_text()) / 1e6
    fields = (home / "cpu.stat").read_text().split() if (home / "cpu.stat").exists() else []
    return int(fields[1]) / 1000 if fields[:1] == ["usage_usec"] else 0.0
