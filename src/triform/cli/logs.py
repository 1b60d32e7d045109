"""`triform logs`: what an element's runs printed."""

import sys
import threading
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from triform.cli.client import client_of
from triform.cli.completion import slugs
from triform.cli.figures import moment
from triform.cli.follow import Following
from triform.cli.one_run import find
from triform.cli.outcome import WrongUsage
from triform.cli.terminal import AsJson, Terminal, terminal_of

_LINES = 1000
_EVERY_S = 0.5


def add_to(app: typer.Typer) -> None:
    app.command("logs")(logs)


def logs(
    ctx: typer.Context,
    slug: Annotated[str, typer.Argument(help="The element.", autocompletion=slugs)],
    run: Annotated[str | None, typer.Option(help="Only of this run (its id, or the beginning of it).")] = None,
    since_run: Annotated[str | None, typer.Option(help="Only of the runs after this one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many lines.")] = _LINES,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print what the newest runs of an element wrote.

    Oldest lines first. With --follow it goes on until Ctrl-C, with --run until that run has ended; with --json
    each line is then one JSON object.
    """
    client, terminal = client_of(ctx), terminal_of(ctx)
    run_id = str(find(client, run)["run_id"]) if run else None
    if follow:
        if since_run:
            raise WrongUsage("--follow begins with the newest lines", "leave out --since-run")
        _follow(terminal, Following(client, slug, run_id), limit)
        return
    if run_id:
        answer = {**client.get(client.op(f"runs/{run_id}", slug))["logs"], "run_id": run_id}
    else:
        answer = client.get(client.op("logs", slug), since_run_id=since_run, limit=limit)
    if terminal.json:
        terminal.document(answer)
        return
    printer = Printer(terminal)
    for line in answer["lines"]:
        printer.print(line)
    _admit(terminal, answer.get("complete", True))


def _follow(terminal: Terminal, following: Following, limit: int) -> None:
    printer, pause = Printer(terminal), threading.Event()
    try:
        ended, lines = following.ended(), following.fresh()[-limit:]
        while True:
            for line in lines:
                printer.print(line)
            if ended or pause.wait(_EVERY_S):
                break
            ended, lines = following.ended(), following.fresh()
    except KeyboardInterrupt:
        terminal.remark("")
    _admit(terminal, following.complete)


class Printer:
    """Bare text when piped, so that it can be searched; on a terminal with times, under the id of the run."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._bare = not sys.stdout.isatty()
        self._run: str | None = None

    def print(self, line: Mapping[str, Any]) -> None:
        if self._terminal.json:
            self._terminal.line(self._terminal.encoded(line))
        elif self._bare:
            self._terminal.line(line["text"])
        else:
            self._print(line)

    def _print(self, line: Mapping[str, Any]) -> None:
        day, _, time_of_day = moment(line["at"]).partition(" ")
        run = line.get("run_id")
        if run and run != self._run:
            self._terminal.say(f"run {run}  {day}", "dim")
            self._run = run
        mark, style = ("!", "red") if line["stream"] == "stderr" else (" ", "")
        self._terminal.say(f"{time_of_day} {mark} {line['text']}", style)


def _admit(terminal: Terminal, complete: bool) -> None:
    if not complete:
        terminal.remark("some lines are missing: the server could not keep them", "yellow")
