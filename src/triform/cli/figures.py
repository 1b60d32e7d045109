"""Numbers and times as people read them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from triform.cli.terminal import harmless

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.table import Table

MICRO = 1_000_000

_IDS = ("run", "token")
_ID_BEGINNING = 18
"""Of a UUIDv7 the time to the millisecond and twelve bits more; commands take it in place of the whole."""

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


def table(columns: Sequence[str], rows: Iterable[Iterable[str]], spare: Sequence[str] = ()) -> "Fitting":
    """A plain table; cells may hold text of others. Columns of `spare` go first where there is no room for all."""
    return Fitting(columns, [[harmless(cell) for cell in row] for row in rows], spare)


class Fitting:
    """The fullest form of a table that fits: whole, with short ids, then without what can be spared."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[str]) -> None:
        self._columns = columns
        self._rows = rows
        self._spare = spare

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> Iterator["Table"]:
        from rich.measure import Measurement

        forms = list(self._forms())
        unbounded = options.update(width=10_000)
        fitting = (
            form for form in forms if Measurement.get(console, unbounded, form).maximum <= options.max_width
        )
        yield next(fitting, forms[-1])

    def _forms(self) -> Iterator["Table"]:
        yield self._drawn(set(), short=False)
        for count in range(len(self._spare) + 1):
            yield self._drawn(set(self._spare[:count]), short=True)

    def _drawn(self, without: set[str], *, short: bool) -> "Table":
        from rich.table import Table

        drawn = Table(box=None, pad_edge=False, header_style="bold")
        shown = [place for place, column in enumerate(self._columns) if column not in without]
        for place in shown:
            drawn.add_column(self._columns[place], overflow="fold")
        for row in self._rows:
            drawn.add_row(*(self._cell(row[place], place, short) for place in shown))
        return drawn

    def _cell(self, text: str, place: int, short: bool) -> str:
        return text[:_ID_BEGINNING] if short and self._columns[place] in _IDS else text


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
