"""`triform runs`: list, show and cancel runs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triform.cli import replay
from triform.cli.client import client_of
from triform.cli.completion import slugs
from triform.cli.figures import au, milliseconds, moment, table
from triform.cli.groups import DefaultVerb
from triform.cli.local_code import code_of
from triform.cli.one_run import drawn, find
from triform.cli.outcome import Exit
from triform.cli.terminal import AsJson, terminal_of

if TYPE_CHECKING:
    from rich.console import RenderableType


class ListRuns(DefaultVerb):
    default = "list"


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        cls=ListRuns, help="List runs (triform runs [SLUG]), show one, cancel one, run them again."
    )
    group.command("list")(list_runs)
    group.command("show")(show)
    group.command("cancel")(cancel)
    replay.add_to(group)
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
