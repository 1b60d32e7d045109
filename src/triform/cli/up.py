"""`triform up`: everything in one process tree, until SIGTERM or Ctrl-C."""

import gc
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triform.cli.outcome import WrongUsage
from triform.cli.terminal import AsJson, Terminal, terminal_of

if TYPE_CHECKING:
    from triform.settings import Settings


def add_to(app: typer.Typer) -> None:
    app.command("up")(up)


def up(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 picks a free one.", show_default=False)] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where everything durable lives.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start an instance: API, Postgres and workers. SIGTERM drains running work first."""
    terminal = terminal_of(ctx)
    chosen = settings(host=host, port=port, data_dir=data_dir, log_format="json" if terminal.json else None)
    gc.disable()  # What is made while it starts stays; `serve` lets the collector in when that is done.
    import uvloop

    from triform.wiring.serve import serve

    uvloop.run(serve(chosen, lambda url: _tell(terminal, url)))


def _tell(terminal: Terminal, url: str) -> None:
    """People read where it is; a supervisor that asked (systemd, bin/demo) hears that it is ready."""
    terminal.remark(f"triform is up at {url}", "bold")
    tell_supervisor(f"READY=1\nSTATUS=serving at {url}")


def tell_supervisor(state: str) -> None:
    """The protocol of sd_notify(3): one datagram to the socket named by NOTIFY_SOCKET, if there is one."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
            supervisor.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)


def settings(**overrides: Any) -> "Settings":
    """The settings of this process; options win over TRIFORM_* and the TOML file."""
    given = {name: value for name, value in overrides.items() if value is not None}
    if "data_dir" in given:
        # The TOML file in the data folder is found by this variable, before any setting is read.
        os.environ["TRIFORM_DATA_DIR"] = str(given["data_dir"])
    from pydantic import ValidationError

    from triform.settings import Settings

    try:
        return Settings(**given)
    except ValidationError as error:
        raise WrongUsage("the settings do not make sense: " + _said(error), _FIX) from error
    except (ValueError, OSError) as error:
        raise WrongUsage(f"the settings cannot be read: {error}", _FIX) from error


_FIX = "see docs/reference/settings.md; they come from options, TRIFORM_* variables and triform.toml"


def _said(error: Any) -> str:
    """Each complaint with the name of its setting, without the value (it may be a secret)."""
    complaints = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'settings'}: {one['msg']}" for one in complaints)
