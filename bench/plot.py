"""The figures as a picture: medians on a logarithmic scale, and runs per second."""

from collections.abc import Sequence
from pathlib import Path

from bench.figures import Figures

_OURS, _THEIRS = "#0f766e", "#9ca3af"


def plot(rows: Sequence[Figures], path: Path) -> None:
    """Writes a PNG. Raises ImportError without matplotlib, which `bin/bench` brings along."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    names = [row.name for row in rows][::-1]
    colours = [_OURS if row.name.startswith("Triform") else _THEIRS for row in rows][::-1]
    figure, axes = pyplot.subplots(1, 2, figsize=(13, 0.55 * len(rows) + 1.5), sharey=True, layout="constrained")
    for axis, title, values in (
        (axes[0], "median, ms (less is better)", [row.p50_ms for row in rows][::-1]),
        (axes[1], "runs per second (more is better)", [row.per_second for row in rows][::-1]),
    ):
        bars = axis.barh(names, values, color=colours)
        axis.bar_label(bars, [f"{value:,.1f}" if value < 100 else f"{value:,.0f}" for value in values], padding=4)
        axis.set(xscale="log", title=title)
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.25)
    figure.savefig(path, dpi=110)
