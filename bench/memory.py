"""What readiness costs in memory: an idle template, and each sandbox that waits in the pool."""

import re
from dataclasses import dataclass
from pathlib import Path

from bench.cost import tree


@dataclass(frozen=True, slots=True)
class Memory:
    """MB, medians being pointless where all are alike: means. Proportional for templates, private for clones."""

    templates: int
    template_mb: float
    clones: int
    clone_mb: float

    def table(self) -> str:
        lines = ["| memory | how many | MB each |", "|---|---:|---:|"]
        lines.append(f"| idle template (proportional) | {self.templates} | {self.template_mb:.1f} |")
        return "\n".join([*lines, f"| ready sandbox (private) | {self.clones} | {self.clone_mb:.2f} |"])


def memory_of(server: int) -> Memory:
    """Templates are the interpreters one pid namespace deep, ready sandboxes those two deep."""
    by_depth: dict[int, list[int]] = {}
    for pid in tree(server):
        if "ruby" in Path(f"/proc/{pid}/exe").readlink().name:
            by_depth.setdefault(_depth(pid), []).append(pid)
    templates, clones = by_depth.get(2, []), by_depth.get(3, [])
    return Memory(
        len(templates),
        _mean([_mb(pid, "Pss") for pid in templates]),
        len(clones),
        _mean(list(map(_private, clones))),
    )


def _depth(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return len(next(line for line in status.splitlines() if line.startswith("NSpid:")).split()) - 1


def _private(pid: int) -> float:
    return _mb(pid, "Private_Dirty") + _mb(pid, "Private_Clean")


def _mb(pid: int, what: str) -> float:
    found = re.search(rf"^{what}:\s+(\d+) kB$", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0
