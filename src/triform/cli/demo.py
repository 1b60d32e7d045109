"""The program behind `bin/demo`: an instance, a piece of code, a run, and what to try next."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from triform.cli.client import Client
from triform.cli.declaration import FILE_NAME, read
from triform.cli.deploy import bring_up
from triform.cli.invoke import summary
from triform.cli.login import dev_sign_in
from triform.cli.new import write
from triform.cli.one_run import drawn
from triform.cli.server import Server, start
from triform.cli.sessions import Session, stored_sessions
from triform.cli.terminal import AsJson, Terminal, harmless, terminal_of

CIRCLE = "demo"
SLUG = "greet"
INPUT = {"name": "Ada"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo did: the server it talks to, the element, the answer, the run."""

    server: Server
    element: Mapping[str, Any]
    output: Any
    run: Mapping[str, Any]


def add_to(app: typer.Typer) -> None:
    app.command("demo", hidden=True)(demo)


def demo(
    ctx: typer.Context,
    element_type: Annotated[str, typer.Argument(metavar="TYPE", help="The type of the element to make.")],
    exit_after: Annotated[bool, typer.Option("--exit", help="Stop the instance afterwards.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start an instance, create an element, invoke it, show the run."""
    terminal = terminal_of(ctx)
    server = start(terminal)
    try:
        shown = _show(terminal, server, element_type, keep=not exit_after)
        _close(terminal, shown, exit_after)
    except BaseException:
        server.stop()
        raise
    if exit_after:
        server.stop()
        terminal.remark("stopped")


def _show(terminal: Terminal, server: Server, element_type: str, *, keep: bool) -> Shown:
    _step(terminal, f"An instance is up at {server.url} (data in {_short(server.data_dir)})")
    session = dev_sign_in(server.url, CIRCLE)
    if keep:
        _keep(session)
    _step(terminal, f"Signed in to circle {session.circle}, on this machine without a password")
    with Client(server.url, session) as client:
        element = _element(terminal, client, server.data_dir / SLUG, element_type)
        return _run(terminal, client, server, element)


def _keep(session: Session) -> None:
    """For the next commands; somebody who works elsewhere goes on working there."""
    sessions = stored_sessions()
    before = sessions.find()
    sessions.save(session, current=before is None or before.circle == CIRCLE)


def _element(terminal: Terminal, client: Client, folder: Path, element_type: str) -> Mapping[str, Any]:
    if not (folder / FILE_NAME).exists():
        write(folder, element_type, SLUG)
    with terminal.working("deploying"):
        deployed = bring_up(client, read(folder))
    element = deployed.element
    what = f"{element['slug']} ({element['element_type']}, version {element['version']})"
    _step(terminal, f"{what} is deployed from {_short(folder)}")
    for path in _code(folder):
        _quote(terminal, path.read_text(encoding="utf-8"))
    return element


def _code(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix not in (".yaml", ".json")]


def _run(terminal: Terminal, client: Client, server: Server, element: Mapping[str, Any]) -> Shown:
    _step(terminal, f"POST {client.op('invoke', SLUG)}  {json.dumps(INPUT)}")
    answer = client.send("POST", client.op("invoke", SLUG), body=INPUT, patient=True)
    _quote(terminal, answer.text)
    if not terminal.json:
        terminal.line("   " + summary(answer.headers))
    run = client.get(client.op(f"runs/{answer.headers['Triform-Run-Id']}", SLUG))
    _step(terminal, "The run, as it is kept")
    if not terminal.json:
        terminal.draw(drawn(run), indent=3)
    return Shown(server, element, answer.document, run)


def _close(terminal: Terminal, shown: Shown, exit_after: bool) -> None:
    server = shown.server
    if terminal.json:
        facts = {"url": server.url, "pid": server.pid, "data_dir": str(server.data_dir)}
        terminal.document({**facts, "output": shown.output, "run": shown.run})
    elif not exit_after:
        _next(terminal, server)


def _next(terminal: Terminal, server: Server) -> None:
    triform = _short(Path(os.environ.get("TRIFORM_DEMO_COMMAND") or "triform"))
    current = stored_sessions().find()
    if current is None or (current.url, current.circle) != (server.url, CIRCLE):
        triform += f" --url {server.url} --circle {CIRCLE}"
    folder = _short(server.data_dir / SLUG)
    code = " and ".join(path.name for path in _code(server.data_dir / SLUG))
    _step(terminal, "Try next")
    for line in (
        f"{triform} invoke {SLUG} name=Grace",
        f"{triform} dev {folder}    and edit {code} there: every save runs",
        f"{triform} runs    {triform} logs {SLUG}    {triform} wallet    {triform} doctor",
    ):
        terminal.line("   " + line)
    terminal.line(f"\nThe instance goes on (pid {server.pid}). Stop it with: kill {server.pid}")


def _step(terminal: Terminal, text: str) -> None:
    if not terminal.json:
        terminal.heading(text)


def _quote(terminal: Terminal, text: str) -> None:
    if not terminal.json:
        for line in text.rstrip("\n").splitlines():
            terminal.line("   " + harmless(line))


def _short(path: Path) -> str:
    """Relative to where the user stands, when it is below."""
    path = path.absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
