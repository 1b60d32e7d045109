"""`triform image`: the root file systems user code runs in."""

import typer


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(help="Runtime images: build, list, prune, export, import.", no_args_is_help=True)
    app.add_typer(group, name="image")
