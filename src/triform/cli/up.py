"""`triform up`: everything in one process tree, until SIGTERM or Ctrl-C."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triform.cli.outcome import WrongUsage
from triform.cli.terminal import AsJson

if TYPE_CHECKING:
    from triform.settings import Settings


def add_to(app: typer.Typer) -> None:
    app.command("up")(up)


def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 picks a free one.", show_default=False)] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where everything durable lives.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start an instance: API, Postgres and workers. SIGTERM drains running work first."""
    chosen = settings(host=host, port=port, data_dir=data_dir, log_format="json" if as_json else None)
    import uvloop

    from triform.wiring import serve

    uvloop.run(serve(chosen))


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
