"""`triform apply`: make the circle what a form says, after showing what that changes."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triform.cli.client import InCircle, client_of
from triform.cli.deploy import tell_warnings
from triform.cli.outcome import Stop, WrongUsage
from triform.cli.terminal import AsJson, Terminal, terminal_of

if TYPE_CHECKING:
    from triform.cli.form.steps import Plan


def add_to(app: typer.Typer) -> None:
    app.command("apply")(apply)


def apply(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The form: YAML or JSON with `elements:`.")],
    circle: InCircle = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Delete members of the project that the form does not name, and undo attachments."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    deploy: Annotated[bool, typer.Option("--deploy", help="Deploy what has to be.")] = False,
    set_secrets: Annotated[
        bool, typer.Option("--set-secrets", help="Set secrets anew that are stored already.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make elements, their project and attachments what a form says.

    The plan is shown first. Applied twice, there is nothing left to do. What somebody else changes in between is
    told and not overwritten.
    """
    from triform.cli.chemistry import catalogue
    from triform.cli.form.carrying import Carrying
    from triform.cli.form.plan import planned
    from triform.cli.form.present import Circle
    from triform.cli.form.reading import read
    from triform.cli.form.steps import Choices

    form = read(file, catalogue(), os.environ)
    if prune and form.project is None:
        raise WrongUsage(
            "--prune deletes members of a project, and the form names none",
            f"add `project: SLUG` to {file}, or delete by hand",
        )
    there, terminal = Circle(client_of(ctx)), terminal_of(ctx)
    with terminal.working(f"reading circle {there.name}"):
        plan = planned(form, there, catalogue(), Choices(prune, deploy, set_secrets))
    if not _wanted(terminal, plan, dry_run=dry_run, yes=yes):
        return
    with terminal.working(f"applying {file}") as tell:
        done = Carrying(form, there, plan, tell).out()
    _finished(terminal, plan, done)


def _wanted(terminal: Terminal, plan: "Plan", *, dry_run: bool, yes: bool) -> bool:
    """Shows the plan; whether to go on. Raises Stop when the answer is no, WrongUsage when nobody can answer."""
    from triform.cli.form.drawing import draw

    if not terminal.json:
        draw(terminal, plan)
    if plan.empty or dry_run:
        terminal.answer(
            {"plan": plan.told(), "outcome": []}, lambda: "nothing to do" if plan.empty else "nothing done"
        )
        return False
    if yes:
        return True
    if terminal.json or not _somebody_is_there():
        raise WrongUsage(
            "nobody is here to agree to the plan", "--yes does it without asking, --dry-run only looks"
        )
    if not typer.confirm("Do this?", err=True):
        raise Stop("nothing was changed")
    return True


def _somebody_is_there() -> bool:
    return sys.stdin.isatty()


def _finished(terminal: Terminal, plan: "Plan", done: list[dict[str, Any]]) -> None:
    terminal.answer(
        {"plan": plan.told(), "outcome": done}, lambda: f"done: {len(done)} step{'s' * (len(done) != 1)}"
    )
    for each in done:
        tell_warnings(
            terminal, [{"message": f"{each['slug']}: {w['message']}"} for w in each.get("warnings") or []]
        )
