"""`triform dev`: an element's folder, deployed and called with its test input on every save."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from triform.cli.client import client_of
from triform.cli.declaration import read
from triform.cli.deploy import tell_warnings
from triform.cli.figures import au, milliseconds, took
from triform.cli.local_code import code_in
from triform.cli.outcome import Unreachable
from triform.cli.terminal import AsJson, Terminal, terminal_of
from triform.cli.trial import Event, Trial

_LOOK_MS = 50


def add_to(app: typer.Typer) -> None:
    app.command("dev")(dev)


def dev(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder with triform.yaml.")] = Path(),
    source: Annotated[
        Path | None, typer.Option("--input", "-i", help="The test input; default is test.json in the folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Deploy a folder and call it, again on every save.

    It is called with its test input. Ctrl-C ends it. With --json each event is one JSON object on a line of its
    own.
    """
    declared, client, terminal = read(folder), client_of(ctx), terminal_of(ctx)
    trial, shown = Trial(client, terminal, folder, source), Shown(terminal, folder)
    try:
        shown.tell({"event": "watching", "element": declared.slug, "folder": str(folder.absolute())})
        for files in saves(folder):
            if files:
                shown.tell({"event": "saved", "files": files})
            _try(trial, shown, patient=bool(files))
    except KeyboardInterrupt:
        shown.tell({"event": "stopped"})


def _try(trial: Trial, shown: "Shown", *, patient: bool) -> None:
    """One round. `patient`: a server that is gone for now is no reason to end."""
    try:
        for event in trial.events():
            shown.tell(event)
    except Unreachable as gone:
        if not patient:
            raise
        shown.tell({"event": "refused", "error": gone.problem})


def saves(folder: Path) -> Iterator[list[str]]:
    """At once nothing, then the files of each save; none is missed while the caller is busy."""
    from watchfiles import watch

    begun = False
    for changes in watch(folder, step=_LOOK_MS, rust_timeout=_LOOK_MS, yield_on_timeout=True):
        if changes or not begun:
            begun = True
            yield sorted({Path(path).name for _, path in changes})


class Shown:
    """Tells events: to programs as JSON lines, to people in words."""

    def __init__(self, terminal: Terminal, folder: Path) -> None:
        self._terminal = terminal
        self._folder = folder
        self._words = {
            "watching": self._watching,
            "saved": self._saved,
            "deployed": self._deployed,
            "log": self._log,
            "completed": self._completed,
            "stopped": self._stopped,
        }

    def tell(self, event: Event) -> None:
        if self._terminal.json:
            self._terminal.line(self._terminal.encoded(event))
        else:
            self._words.get(event["event"], self._in_vain)(event)

    def _watching(self, event: Event) -> None:
        self._terminal.say(f"{event['element']}: every save in {event['folder']} is tried; Ctrl-C ends", "dim")

    def _saved(self, event: Event) -> None:
        self._terminal.heading(f"{datetime.now():%H:%M:%S} {', '.join(event['files'])}")

    def _deployed(self, event: Event) -> None:
        self._terminal.say(f"version {event['version']} deployed, {milliseconds(event['duration_ms'])}", "dim")
        tell_warnings(self._terminal, event["warnings"])

    def _log(self, event: Event) -> None:
        self._terminal.say(f"  {event['text']}", "red" if event["stream"] == "stderr" else "")

    def _completed(self, event: Event) -> None:
        output = json.dumps(event["output"], ensure_ascii=False, indent=2 if sys.stdout.isatty() else None)
        self._terminal.say(output, "green")
        self._terminal.say(f"{_figures(event)}  run {event['run_id']}", "dim")

    def _in_vain(self, event: Event) -> None:
        """A run that failed or was cancelled, or none at all."""
        self._terminal.draw_problem(event["error"], code_in(self._folder), stderr=False)
        if "run_id" in event:
            self._terminal.say(_figures(event), "dim")

    def _stopped(self, event: Event) -> None:
        self._terminal.say("\nstopped; the element stays as it is", "dim")


def _figures(event: Event) -> str:
    return f"{au(event['cost_micro_au'])}  {took(event)}"
