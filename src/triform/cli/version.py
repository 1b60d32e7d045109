"""`triform version`."""

import platform
from typing import Any

import typer

from triform import __version__
from triform.cli.terminal import AsJson, terminal_of


def add_to(app: typer.Typer) -> None:
    app.command("version")(version)


def version(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Say which version this is."""
    facts: dict[str, Any] = {"triform": __version__, "python": platform.python_version()}
    terminal_of(ctx).answer(facts, lambda: " ".join(f"{name} {value}" for name, value in facts.items()))
