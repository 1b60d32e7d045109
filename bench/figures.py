"""Many durations as a few numbers."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds per run and runs per second over the whole series."""

    name: str
    p50_ms: float
    p95_ms: float
    per_second: float
    runs: int


def figures(name: str, durations_s: Sequence[float], wall_s: float) -> Figures:
    ordered = sorted(durations_s)
    return Figures(
        name,
        p50_ms=statistics.median(ordered) * 1000,
        p95_ms=ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))] * 1000,
        per_second=len(ordered) / wall_s,
        runs=len(ordered),
    )


def table(rows: Sequence[Figures], baseline: str) -> str:
    """A Markdown table; the last column is how many times faster than `baseline` (by median)."""
    base = next(row for row in rows if row.name == baseline).p50_ms
    lines = [
        "| what | p50 ms | p95 ms | runs/s | against a process per run |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        speed = f"{base / row.p50_ms:.1f}×"
        lines.append(f"| {row.name} | {row.p50_ms:.2f} | {row.p95_ms:.2f} | {row.per_second:.0f} | {speed} |")
    return "\n".join(lines)
