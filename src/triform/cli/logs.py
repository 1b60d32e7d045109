"""`triform logs`: what an element's runs printed."""

import sys
from typing import Annotated, Any

import typer

from triform.cli.client import client_of
from triform.cli.figures import moment
from triform.cli.runs import find
from triform.cli.terminal import AsJson, Terminal, terminal_of


def add_to(app: typer.Typer) -> None:
    app.command("logs")(logs)


def logs(
    ctx: typer.Context,
    slug: Annotated[str, typer.Argument(help="The element.")],
    run: Annotated[str | None, typer.Option(help="Only of this run (its id, or the beginning of it).")] = None,
    since_run: Annotated[str | None, typer.Option(help="Only of the runs after this one.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many lines.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the lines the newest runs of an element wrote, oldest first."""
    client, terminal = client_of(ctx), terminal_of(ctx)
    if run:
        run_id = find(client, run)["run_id"]
        answer = {**client.get(client.op(f"runs/{run_id}", slug))["logs"], "run_id": run_id}
    else:
        answer = client.get(client.op("logs", slug), since_run_id=since_run, limit=limit)
    if terminal.json:
        terminal.document(answer)
        return
    for line in answer["lines"]:
        _print(terminal, line, with_run=run is None)
    if not answer.get("complete", True):
        terminal.remark("some lines are missing: the server could not keep them", "yellow")


def _print(terminal: Terminal, line: dict[str, Any], *, with_run: bool) -> None:
    """Bare text when piped, so that it can be searched; with time and run on a terminal."""
    if not sys.stdout.isatty():
        terminal.line(line["text"])
        return
    run = f" {line['run_id'][-8:]}" if with_run and line.get("run_id") else ""
    mark = "!" if line["stream"] == "stderr" else " "
    terminal.line(f"{moment(line['at'])}{run} {mark} {line['text']}")
