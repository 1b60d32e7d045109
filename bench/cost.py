"""Where the processor time of a run goes: server, database, launcher, sandboxes."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figures

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU milliseconds per run by part."""

    parts: dict[str, float]

    def table(self) -> str:
        lines = ["| part | CPU ms per run |", "|---|---:|"]
        return "\n".join(lines + [f"| {name} | {ms:.2f} |" for name, ms in sorted(self.parts.items())])


async def cost_per_run(pid: int, work: Callable[[], Awaitable[Figures]]) -> Cost:
    """CPU used by the process tree of `pid` while `work` goes on, per run of it (its warm-up included)."""
    before = _usage(pid)
    done = await work()
    after = _usage(pid)
    runs = done.runs * 1.1
    return Cost({part: (after[part] - before.get(part, 0.0)) / runs for part in after})


def _usage(pid: int) -> dict[str, float]:
    parts: dict[str, float] = {}
    for each in _tree(pid):
        part = "server" if each == pid else _part(each)
        parts[part] = parts.get(part, 0.0) + _cpu_ms(each)
    parts["sandboxes (all processes)"] = _sandboxes_ms()
    return parts


def _part(pid: int) -> str:
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    if b"postgres" in command:
        return "postgres"
    return "templates (part of sandboxes)" if b"ruby" in command else "launcher"


def _tree(pid: int) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        children += [int(child) for child in (task / "children").read_text().split()]
    return [pid, *(below for child in children for below in _tree(child))]


def _cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_MS


def _sandboxes_ms() -> float:
    """Cgroups add up what lived in them, also what is gone."""
    v1 = sum(int(path.read_text()) / 1e6 for path in Path("/sys/fs/cgroup").glob("cpuacct/triform*/cpuacct.usage"))
    v2 = 0.0
    for path in Path("/sys/fs/cgroup").glob("**/triform*/cpu.stat"):
        v2 += int(path.read_text().split()[1]) / 1000
    return v1 + v2
