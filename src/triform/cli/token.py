"""`triform token`: the circle's API keys. A key is shown once, on stdout; it is never an argument."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from triform.cli.client import Client, client_of
from triform.cli.figures import moment, table
from triform.cli.groups import DefaultVerb
from triform.cli.outcome import Stop
from triform.cli.terminal import AsJson, terminal_of

_LEAST_OF_AN_ID = 8
"""With less of it, a slip of the finger would end a key."""


class ListKeys(DefaultVerb):
    default = "list"


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(cls=ListKeys, help="API keys of the circle: list, create, revoke.")
    group.command("list")(list_keys)
    group.command("create")(create)
    group.command("revoke")(revoke)
    app.add_typer(group, name="token")


def list_keys(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the API keys that work, newest first.

    The keys themselves are not kept.
    """
    answer = _listed(client_of(ctx))
    columns = ("token", "name", "role", "operations", "made by", "ends")
    rows = [
        (
            key["token_id"],
            key["name"],
            key["role"],
            " ".join(key["scopes"] or ["all"]),
            key["created_by"],
            moment(key["expires_at"]) if key["expires_at"] else "never",
        )
        for key in answer["tokens"]
    ]
    terminal_of(ctx).answer(answer, lambda: table(columns, rows, spare=("made by",)) if rows else "no API keys")


def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="To recognise it by.")],
    role: Annotated[str, typer.Option(help="What it may do: viewer, operator, member, admin.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="Only this operation; may be repeated. Default: all of the role.")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=36500, help="It ends after so many days.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key. The key alone goes to stdout, this once."""
    client, terminal = client_of(ctx), terminal_of(ctx)
    wanted = {"name": name, "role": role, "scopes": scope or None, "expires_at": _end(days)}
    body = {key: value for key, value in wanted.items() if value is not None}
    made = client.post(client.op("tokens/create"), body)
    terminal.answer(made, lambda: made["token"])
    terminal.remark(f"{name} may act as {role} in circle {client.circle}; the key is not shown again")


def revoke(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id, the beginning of it, or its name.")],
    as_json: AsJson = False,
) -> None:
    """End an API key; it stops working at once."""
    client = client_of(ctx)
    found = _find(client, key)
    ended = client.post(client.op("tokens/revoke"), {"token_id": found["token_id"]})
    terminal_of(ctx).answer(ended, lambda: f"{found['name']} ({found['token_id']}) is revoked")


def _listed(client: Client) -> Mapping[str, Any]:
    answer: Mapping[str, Any] = client.get(client.op("tokens"))
    return answer


def _find(client: Client, wanted: str) -> Mapping[str, Any]:
    """The one key meant; an API key given by mistake is not repeated in the answer."""
    keys: list[Mapping[str, Any]] = _listed(client)["tokens"]
    beginning = wanted if len(wanted) >= _LEAST_OF_AN_ID else None
    fitting = [
        key for key in keys if key["name"] == wanted or (beginning and key["token_id"].startswith(beginning))
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise Stop(f"{len(fitting)} API keys fit", "name one by its id; triform token lists them")
    raise Stop(f"no such API key in circle {client.circle}", "triform token lists them, by id and name")


def _end(days: int | None) -> str | None:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat() if days else None
