"""`triform diff`: what is different between two runs."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triform.cli.client import client_of
from triform.cli.completion import slugs
from triform.cli.figures import au, milliseconds, table
from triform.cli.one_run import find
from triform.cli.outcome import Exit
from triform.cli.terminal import AsJson, harmless, terminal_of

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text


def add_to(app: typer.Typer) -> None:
    app.command("diff")(diff)


def diff(
    ctx: typer.Context,
    slug: Annotated[str, typer.Argument(help="The element.", autocompletion=slugs)],
    run_id: Annotated[str, typer.Argument(help="The later run's id, or its beginning.")],
    other: Annotated[
        str | None, typer.Argument(help="The earlier run; by default the one it repeats.", show_default=False)
    ] = None,
    logs: Annotated[bool, typer.Option("--logs", help="Compare what they printed, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is different between two runs. Ends with 5 when they came to something else."""
    client = client_of(ctx)
    after = find(client, run_id, slug)["run_id"]
    before = find(client, other, slug)["run_id"] if other else None
    query = {"with": before, "logs": "true" if logs else None}
    answer = client.send("GET", client.op(f"runs/{after}/diff", slug), query=query).document
    terminal_of(ctx).answer(answer, lambda: _drawn(answer))
    if not answer["same"]:
        raise typer.Exit(int(Exit.differs))


def _drawn(answer: Mapping[str, Any]) -> "RenderableType":
    from rich.console import Group

    verdict = "both came to the same" if answer["same"] else "they came to something else"
    return Group(verdict, _figures(answer), *_changes(answer), *_printed(answer.get("logs")))


def _figures(answer: Mapping[str, Any]) -> "RenderableType":
    before, after, usage = answer["before"], answer["after"], answer["usage"]
    cost, took, queue = answer["cost_micro_au"], usage["duration_ms"], usage["queue_ms"]
    rows = [
        ("run", before["run_id"], after["run_id"]),
        ("version", *(f"{run['element_version']} ({run['env']})" for run in (before, after))),
        ("status", before["status"], after["status"]),
        ("took", milliseconds(took["before"]), milliseconds(took["after"])),
        ("queue", milliseconds(queue["before"]), milliseconds(queue["after"])),
        ("cost", au(cost["before"]), au(cost["after"])),
    ]
    return table(("", "before", "after"), rows)


def _changes(answer: Mapping[str, Any]) -> list["RenderableType"]:
    lines = [line for part in ("input", "output") for line in _patch(part, answer[part])]
    if not answer["error"]["same"]:
        told = {side: _error(answer["error"][side]) for side in ("before", "after")}
        lines += [_line(side, f"error  {text}") for side, text in told.items() if text]
    return [*lines]


def _patch(part: str, changes: Mapping[str, Any]) -> Iterator["Text"]:
    for step in changes["patch"]:
        for member, side in (("before", "before"), ("value", "after")):
            if member in step:
                yield _line(side, f"{part}{step['path']}  {json.dumps(step[member], ensure_ascii=False)}")
    if not changes["complete"]:
        yield _line("more", f"{part}: there is more than is shown")


_SIDES = {"before": ("-", "red"), "after": ("+", "green"), "more": ("…", "yellow")}


def _error(error: Mapping[str, Any] | None) -> str | None:
    return f"{error['code']}: {error['message']}" if error else None


def _line(side: str, text: str) -> "Text":
    from rich.text import Text

    mark, style = _SIDES[side]
    return Text(harmless(f"{mark} {text}"), style=style)


def _printed(logs: Mapping[str, Any] | None) -> list["RenderableType"]:
    from rich.text import Text

    styles = {"-": "red", "+": "green"}
    return [Text(harmless(line), style=styles.get(line[:1], "")) for line in (logs or {}).get("diff", [])]
