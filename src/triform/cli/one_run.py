"""One run: found by the beginning of its id, and drawn for people."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from triform.cli.client import Client
from triform.cli.figures import STATUS_STYLE, au, milliseconds, moment, pairs, took
from triform.cli.outcome import Stop
from triform.cli.terminal import Terminal, harmless

if TYPE_CHECKING:
    from rich.console import RenderableType


def find(client: Client, run_id: str, slug: str | None = None) -> Mapping[str, Any]:
    """The one run of the circle, or of an element, whose id begins so."""
    answer = client.get(client.op("runs", slug), q=run_id, operation="*", limit=50)
    fitting: list[Mapping[str, Any]] = [run for run in answer["runs"] if str(run["run_id"]).startswith(run_id)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise Stop(f"{len(fitting)} runs begin with {run_id}", "give more of the id (triform runs lists them)")
    place = f"of {slug}" if slug else f"in circle {client.circle}"
    raise Stop(f"no run {run_id} {place}", f"triform runs {slug or ''}".rstrip() + " lists the newest ones")


def drawn(run: Mapping[str, Any]) -> "RenderableType":
    """A run for people: what happened, what it cost, what it printed."""
    from rich.console import Group
    from rich.text import Text

    head = Text.assemble(
        (str(run["status"]), STATUS_STYLE.get(run["status"], "")), f"  {run['element']} {run['operation']}"
    )
    return Group(head, pairs(_facts(run)), *_log_lines(run.get("logs") or {}))


def _facts(run: Mapping[str, Any]) -> dict[str, Any]:
    usage = run.get("usage") or {}
    return {
        "run": run["run_id"],
        "repeats": run.get("replay_of"),
        "batch": run.get("batch"),
        "version": f"{run.get('element_version')} ({run.get('env')})",
        "created": moment(run.get("created_at")),
        "took": took(run),
        "cost": au(run.get("cost_micro_au")),
        "used": f"cpu {milliseconds(usage.get('cpu_ms'))}, memory {usage.get('memory_peak_mb', 0)} MB",
        "sandbox": run.get("isolation"),
        "attempts": len(run.get("attempts") or []) or None,
        "input": _shortened(run.get("input")),
        "output": _shortened(run["output"]) if run["status"] == "completed" else None,
        "trace": run.get("trace_id"),
    }


def _shortened(value: Any, limit: int = 400) -> str:
    text = Terminal.encoded(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def _log_lines(logs: Mapping[str, Any]) -> list["RenderableType"]:
    from rich.text import Text

    lines: list[RenderableType] = [
        Text(f"  {harmless(line['text'])}", style="red" if line["stream"] == "stderr" else "")
        for line in logs.get("lines") or []
    ]
    if logs.get("dropped"):
        lines.append(Text(f"  … {logs['dropped']} more lines were over the limit", style="yellow"))
    return [Text("printed:", style="dim"), *lines] if lines else []
