"""The `triform` command: its verbs, and the one place where a stop becomes a message and an exit code.

Verbs import what is slow inside their functions, so that `triform --help` stays fast.
"""

import sys
from typing import Annotated, NoReturn

import typer

from triform.cli import (
    apply,
    chemistry,
    demo,
    deploy,
    dev,
    diff,
    doctor,
    elements,
    export,
    image,
    invoke,
    login,
    logs,
    new,
    password,
    runs,
    token,
    up,
    version,
    wallet,
)
from triform.cli.groups import InOrder
from triform.cli.outcome import Exit, Refused, Stop
from triform.cli.terminal import AsJson, Terminal
from triform.errors import TriformError

VERBS = (
    up,
    doctor,
    login,
    new,
    dev,
    deploy,
    apply,
    export,
    elements,
    invoke,
    runs,
    diff,
    logs,
    wallet,
    token,
    password,
    image,
    chemistry,
    version,
    demo,
)
"""In the order `--help` shows them; each module adds the verb of its name."""


class Verbs(InOrder):
    order = tuple(verb.__name__.rpartition(".")[2] for verb in VERBS)


app = typer.Typer(
    name="triform",
    cls=Verbs,
    help="Hand over code, get a governed, isolated, metered, versioned operation at one URL.",
    epilog=(
        "Exit codes: 0 done, 1 refused or the run failed, 2 wrong usage, 3 not signed in, "
        "4 nothing answers, 5 what was compared differs, 130 interrupted."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for verb in VERBS:
    verb.add_to(app)


@app.callback()
def everywhere(
    ctx: typer.Context,
    url: Annotated[str | None, typer.Option(envvar="TRIFORM_URL", help="The server to talk to.")] = None,
    circle: Annotated[
        str | None, typer.Option(envvar="TRIFORM_CIRCLE", help="The circle to act in; must be signed in there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Options before the verb hold for every verb. TRIFORM_TOKEN, if set, is the credential."""
    ctx.meta["triform.url"] = url.rstrip("/") if url else None
    ctx.meta["triform.circle"] = circle


def main() -> NoReturn:
    try:
        app(prog_name="triform")
    except Stop as stop:
        _report(stop)
        sys.exit(int(stop.exit))
    except TriformError as error:
        _report(_known(error))
        sys.exit(int(Exit.refused))
    except KeyboardInterrupt:
        sys.exit(int(Exit.interrupted))
    sys.exit(int(Exit.ok))


def _known(error: TriformError) -> Stop:
    """An error of the product itself, raised by a verb that does not speak HTTP."""
    told = [error.message, error.suggestion.why if error.suggestion else "", error.detail]
    message = "\n".join(dict.fromkeys(text.strip() for text in told if text))
    return Stop(message, error.suggestion.fix if error.suggestion else "")


def _report(stop: Stop) -> None:
    """In JSON mode the problem itself is the document on stdout; else it is drawn on stderr."""
    terminal = Terminal(json="--json" in sys.argv[1:])
    if terminal.json:
        terminal.document(stop.problem)
    elif isinstance(stop, Refused):
        terminal.draw_problem(stop.problem, stop.code_here)
    else:
        terminal.complain(f"triform: {stop.message}", "red")
        if stop.fix:
            terminal.complain(f"FIX: {stop.fix}", "green")


if __name__ == "__main__":
    main()
