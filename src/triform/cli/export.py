"""`triform export`: write the form that says what is in the circle, or in one project of it."""

import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from triform.cli.client import InCircle, client_of
from triform.cli.completion import slugs
from triform.cli.outcome import Stop, WrongUsage
from triform.cli.terminal import AsJson, terminal_of


def add_to(app: typer.Typer) -> None:
    app.command("export")(export)


def export(
    ctx: typer.Context,
    project: Annotated[
        str | None, typer.Argument(help="A project, with everything it holds.", autocompletion=slugs)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every element of the circle.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it to this file.")] = None,
    circle: InCircle = None,
    as_json: AsJson = False,
) -> None:
    """Write a form that `triform apply` takes.

    What is as it is by default is left out. Secrets are named without their values.
    """
    from triform.cli.chemistry import catalogue
    from triform.cli.form.present import Circle
    from triform.cli.form.writing import written_form

    if everything == (project is not None):
        raise WrongUsage("what is to be exported?", "name a project, or say --all for the whole circle")
    there, terminal = Circle(client_of(ctx)), terminal_of(ctx)
    with terminal.working(f"reading circle {there.name}"):
        document = written_form(there, catalogue(), project)
    text = _text(document)
    if output is not None:
        _write(output, text)
        facts = {"file": str(output), "elements": len(document["elements"])}
        terminal.answer(facts, lambda: f"{output}: {facts['elements']} elements")
    elif terminal.json:
        terminal.document(document)
    else:
        terminal.line(text.rstrip("\n"))


def _text(document: dict[str, Any]) -> str:
    from triform.source.spec_file import dumped

    return "# `triform apply` with this file makes it so again, here or in another circle.\n" + dumped(document)


def _write(file: Path, text: str) -> None:
    """All of it or nothing."""
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(file)
    except OSError as error:
        raise Stop(f"cannot write {file}: {error.strerror}", "name a file in a folder you may write to") from error


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
