"""`triform wallet`: balance, entries, top-up."""

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from triform.cli.client import client_of
from triform.cli.figures import MICRO, au, moment, pairs, table
from triform.cli.groups import DefaultVerb
from triform.cli.outcome import WrongUsage
from triform.cli.terminal import AsJson, terminal_of


class ShowWallet(DefaultVerb):
    default = "show"


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(cls=ShowWallet, help="The circle's wallet: balance, entries, top-up.")
    group.command("show")(show)
    group.command("entries")(entries)
    group.command("top-up")(top_up)
    app.add_typer(group, name="wallet")


def show(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show the balance and what running work holds of it."""
    client = client_of(ctx)
    answer = client.get(client.op("wallet"))
    drawn = {"balance": au(answer["balance_micro_au"]), "held": au(answer["held_micro_au"])}
    terminal_of(ctx).answer(answer, lambda: pairs(drawn))


def entries(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="Leave out the newest so many.")] = 0,
    as_json: AsJson = False,
) -> None:
    """List the ledger, newest first; debits are negative."""
    client = client_of(ctx)
    answer = client.get(client.op("wallet/entries"), limit=limit, offset=offset)
    columns = ("at", "what", "amount", "balance after", "run")
    rows = [
        (
            moment(entry["at"]),
            entry.get("dimension") or "-",
            au(entry["amount_micro_au"]),
            au(entry["balance_after_micro_au"]),
            entry.get("run_id") or "-",
        )
        for entry in answer["entries"]
    ]
    terminal_of(ctx).answer(answer, lambda: table(columns, rows, spare=("balance after", "at")))


def top_up(
    ctx: typer.Context,
    amount: Annotated[str, typer.Argument(help="How many AU, e.g. 25 or 0.5.")],
    reference: Annotated[str, typer.Option(help="What the money stands for: an invoice, a ticket.")],
    as_json: AsJson = False,
) -> None:
    """Add AU to the wallet (admins only)."""
    client = client_of(ctx)
    body = {"amount_micro_au": micro(amount), "reference": reference}
    answer = client.post(client.op("wallet/top_up"), body)
    terminal_of(ctx).answer(answer, lambda: f"balance {au(answer['balance_micro_au'])}")


def micro(amount: str) -> int:
    """AU as typed → micro-AU, exact."""
    try:
        value = Decimal(amount) * MICRO
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value <= 0 or value != value.to_integral_value():
        raise WrongUsage(
            f"{amount!r} is no amount of AU", "a positive number with at most six decimals, e.g. 25 or 0.5"
        )
    return int(value)
