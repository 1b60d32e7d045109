"""`triform runs`: list, show and cancel runs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triform.cli.client import Client, client_of
from triform.cli.completion import slugs
from triform.cli.figures import STATUS_STYLE, au, milliseconds, moment, pairs, table, took
from triform.cli.groups import DefaultVerb
from triform.cli.local_code import code_of
from triform.cli.outcome import Exit, Stop
from triform.cli.terminal import AsJson, Terminal, harmless, terminal_of

if TYPE_CHECKING:
    from rich.console import RenderableType


class ListRuns(DefaultVerb):
    default = "list"


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(cls=ListRuns, help="List runs (triform runs [SLUG]), show one, cancel one.")
    group.command("list")(list_runs)
    group.command("show")(show)
    group.command("cancel")(cancel)
    app.add_typer(group, name="runs")


def list_runs(
    ctx: typer.Context,
    slug: Annotated[
        str | None, typer.Argument(help="Only of this element.", show_default=False, autocompletion=slugs)
    ] = None,
    status: Annotated[str | None, typer.Option(help="pending, running, completed, failed, cancelled.")] = None,
    operation: Annotated[str | None, typer.Option(help="Only this operation; * for all recorded ones.")] = None,
    since: Annotated[str | None, typer.Option(help="From this time on (RFC 3339).")] = None,
    until: Annotated[str | None, typer.Option(help="Up to this time (RFC 3339).")] = None,
    query: Annotated[str | None, typer.Option("--query", "-q", help="Run id prefix, error code, message.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest runs of the circle, or of one element."""
    client = client_of(ctx)
    wanted = {"status": status, "operation": operation, "since": since, "until": until, "q": query, "limit": limit}
    answer = client.get(client.op("runs", slug), **wanted)
    terminal_of(ctx).answer(answer, lambda: _listed(answer["runs"]))


def show(
    ctx: typer.Context,
    run_id: Annotated[str, typer.Argument(help="The run's id, or its beginning.")],
    wait: Annotated[int | None, typer.Option(min=0, max=60, help="Wait so long for its end.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show one run: status, input, output or error, logs, cost. Ends with 1 when the run failed."""
    client, terminal = client_of(ctx), terminal_of(ctx)
    element = find(client, run_id)
    path = client.op(f"runs/{element['run_id']}", element["element"])
    run = client.send("GET", path, query={"wait": wait}, patient=True).document
    terminal.answer(run, lambda: drawn(run))
    if run.get("error") and not terminal.json:
        terminal.draw_problem(run["error"], code_of(run["element"]))
    if run["status"] in ("failed", "cancelled"):
        raise typer.Exit(int(Exit.refused))


def cancel(
    ctx: typer.Context,
    run_id: Annotated[str, typer.Argument(help="The run's id, or its beginning.")],
    as_json: AsJson = False,
) -> None:
    """Cancel a run that is pending or running."""
    client = client_of(ctx)
    found = find(client, run_id)
    run = client.post(client.op(f"runs/{found['run_id']}/cancel", found["element"]))
    terminal_of(ctx).answer(run, lambda: f"run {run['run_id']} is {run['status']}")


def find(client: Client, run_id: str) -> Mapping[str, Any]:
    """The one run of the circle whose id begins so."""
    answer = client.get(client.op("runs"), q=run_id, operation="*", limit=50)
    fitting: list[Mapping[str, Any]] = [run for run in answer["runs"] if str(run["run_id"]).startswith(run_id)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise Stop(f"{len(fitting)} runs begin with {run_id}", "give more of the id (triform runs lists them)")
    raise Stop(f"no run {run_id} in circle {client.circle}", "triform runs lists the newest ones")


# --- drawing -------------------------------------------------------------------------------------------------


def _listed(runs: list[Mapping[str, Any]]) -> "RenderableType":
    if not runs:
        return "no runs"
    columns = ("run", "element", "op", "status", "created", "took", "cost", "error")
    return table(columns, map(_row, runs), spare=("created", "cost", "op", "took"))


def _row(run: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        run["run_id"],
        run["element"],
        run["operation"],
        run["status"],
        moment(run["created_at"]),
        milliseconds(run.get("duration_ms")),
        au(run.get("cost_micro_au")),
        (run.get("error") or {}).get("code", ""),
    )


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
