"""`triform password`: on the server's machine, a new password for somebody who has lost theirs."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from triform.cli.login import read_secret
from triform.cli.terminal import AsJson, terminal_of


def add_to(app: typer.Typer) -> None:
    app.command("password")(password)


def password(
    ctx: typer.Context,
    identity: Annotated[str, typer.Argument(help="Whose password.")],
    data_dir: Annotated[
        Path | None, typer.Option(help="Where everything durable of the instance lives.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set the password of an identity, on the server's machine.

    It is asked for, or read from stdin. The identity's sessions end; its API keys go on. The server may be
    running or not. This asks for no credential: who can read the data folder can do anything.
    """
    from triform.cli.up import settings
    from triform.wiring.host import set_password

    chosen = settings(data_dir=data_dir)
    ended = asyncio.run(set_password(chosen, identity, read_secret(f"New password of {identity}: ", twice=True)))
    document = {"identity": identity, "sessions_ended": ended}
    terminal_of(ctx).answer(document, lambda: f"{identity} has a new password; sessions ended: {ended}")
