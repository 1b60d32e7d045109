"""Many durations as a few numbers."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds per run and runs per second over the whole series."""

    name: str
    durations_s: Sequence[float]
    wall_s: float

    @property
    def p50_ms(self) -> float:
        return statistics.median(self.durations_s) * 1000

    @property
    def p95_ms(self) -> float:
        return sorted(self.durations_s)[min(self.runs - 1, int(self.runs * 0.95))] * 1000

    @property
    def per_second(self) -> float:
        return self.runs / self.wall_s

    @property
    def runs(self) -> int:
        return len(self.durations_s)


def together(turns: Sequence[Sequence[Figures]]) -> list[Figures]:
    """One row for each that was measured in several turns, in the same order in each."""
    return [
        Figures(
            parts[0].name,
            [duration for part in parts for duration in part.durations_s],
            sum(part.wall_s for part in parts),
        )
        for parts in zip(*turns, strict=True)
    ]


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
