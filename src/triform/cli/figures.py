"""Numbers and times as people read them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from triform.cli.terminal import harmless

if TYPE_CHECKING:
    from rich.table import Table

MICRO = 1_000_000

STATUS_STYLE = {"completed": "green", "failed": "red", "cancelled": "yellow", "running": "cyan", "pending": "cyan"}


def au(micro_au: int | None) -> str:
    """Micro-AU as AU, exact: 10000 → "0.01 AU"."""
    amount = (Decimal(micro_au or 0) / MICRO).normalize()
    return f"{amount:f} AU"


def milliseconds(value: float | None) -> str:
    """A duration: "1.9 ms", "2.31 s"; "-" where there is none."""
    if value is None:
        return "-"
    return f"{value:.1f} ms" if value < 1000 else f"{value / 1000:.2f} s"


def took(run: Mapping[str, Any]) -> str:
    """How long a run took, and apart from that how long it waited: "1.9 ms (queue 0.2 ms)"."""
    usage = run.get("usage") or {}
    parts = [(name, usage.get(key)) for name, key in (("queue", "queue_ms"), ("cold start", "cold_start_ms"))]
    apart = ", ".join(f"{name} {milliseconds(value)}" for name, value in parts if value)
    return milliseconds(run.get("duration_ms")) + (f" ({apart})" if apart else "")


def moment(rfc3339: str | None) -> str:
    """A time in the local zone, to the second."""
    if not rfc3339:
        return "-"
    return datetime.fromisoformat(rfc3339).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> "Table":
    """A plain table; cells may hold text of others."""
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, no_wrap=column in ("run", "slug", "status"))
    for row in rows:
        drawn.add_row(*(harmless(cell) for cell in row))
    return drawn


def pairs(facts: Mapping[str, Any]) -> "Table":
    """Name and value, one a line; None is left out."""
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False, show_header=False)
    drawn.add_column(style="dim")
    drawn.add_column(overflow="fold")
    for name, value in facts.items():
        if value is not None:
            drawn.add_row(name, harmless(str(value)))
    return drawn
