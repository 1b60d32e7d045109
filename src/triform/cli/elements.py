"""`triform elements`: what there is in the circle."""

from typing import Annotated

import typer

from triform.cli.client import client_of
from triform.cli.figures import moment, table
from triform.cli.terminal import AsJson, terminal_of

_COLUMNS = ("slug", "type", "state", "version", "changed", "name")


def add_to(app: typer.Typer) -> None:
    app.command("elements")(elements)


def elements(
    ctx: typer.Context,
    types: Annotated[list[str] | None, typer.Option("--type", help="Only of this type; may be repeated.")] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="Only in this state: ready, deployed, disabled; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 100,
    offset: Annotated[int, typer.Option(min=0, help="Leave out the first so many.")] = 0,
    as_json: AsJson = False,
) -> None:
    """List the elements of the circle, by slug."""
    client, terminal = client_of(ctx), terminal_of(ctx)
    wanted = {"types": types or None, "state": state or None, "limit": limit, "offset": offset}
    answer = client.get(client.op("children"), **wanted)
    rows = [
        (
            each["slug"],
            each["element_type"],
            each["state"],
            str(each["version"]),
            moment(each["updated_at"]),
            each["name"],
        )
        for each in answer["children"]
    ]
    terminal.answer(answer, lambda: table(_COLUMNS, rows, spare=("name", "changed")) if rows else "no elements")
    left = answer["total"] - offset - len(rows)
    if left > 0:
        terminal.remark(f"{left} more: --offset {offset + len(rows)}")
