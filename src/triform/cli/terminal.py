"""Where things are printed: results on stdout, remarks, progress and errors on stderr."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from triform.cli.local_code import LocalCode

_JSON = "triform.json"


def _remember(ctx: typer.Context, value: bool) -> bool:
    ctx.meta[_JSON] = ctx.meta.get(_JSON, False) or value
    return value


AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout.", callback=_remember, is_eager=True)
]
"""The option every command takes; `terminal_of` knows whether it was given, here or before the verb."""

_VISIBLE = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"}
_CONTROLS = _VISIBLE | {0x7F: 0x2421} | {code: 0xFFFD for code in range(0x80, 0xA0)}


def harmless(text: str) -> str:
    """Text of others with its control characters made visible, so that it cannot drive the terminal."""
    return text.translate(_CONTROLS)


class Terminal:
    """`json`: stdout carries one JSON document, or one a line of what goes on and on, and nothing is drawn."""

    def __init__(self, *, json: bool) -> None:
        self.json = json

    def answer(self, document: Any, draw: Callable[[], "RenderableType"]) -> None:
        """The result of a command: `document` as JSON, or what `draw` makes of it for people."""
        if self.json:
            self.document(document)
        else:
            self.draw(draw())

    def document(self, document: Any) -> None:
        """JSON on stdout; indented for people, on one line for programs."""
        self.line(self.encoded(document, indent=2 if sys.stdout.isatty() else None))

    @staticmethod
    def encoded(document: Any, indent: int | None = None) -> str:
        return json.dumps(document, ensure_ascii=False, indent=indent)

    def line(self, text: str) -> None:
        """One line of plain text on stdout."""
        sys.stdout.write((harmless(text) if sys.stdout.isatty() else text) + "\n")
        sys.stdout.flush()

    def draw(self, renderable: "RenderableType", *, indent: int = 0) -> None:
        """Something of rich's on stdout, without the blanks it fills lines with."""
        console = _console()
        with console.capture() as drawn:
            console.print(renderable, width=console.width - indent)
        lines = (line.rstrip() for line in drawn.get().splitlines())
        sys.stdout.write("".join(f"{' ' * indent}{line}".rstrip() + "\n" for line in lines))
        sys.stdout.flush()

    def heading(self, text: str) -> None:
        """The title of what follows, on stdout."""
        self.say(f"\n{text}", "bold")

    def say(self, text: str, style: str = "") -> None:
        """A coloured line on stdout."""
        _console().print(harmless(text), style=style, soft_wrap=True)

    def marked(self, mark: str, style: str, text: str) -> None:
        """One line on stdout that begins with a coloured mark."""
        from rich.text import Text

        _console().print(Text.assemble((mark, style), harmless(text)), soft_wrap=True)

    def remark(self, text: str, style: str = "dim") -> None:
        """One line on stderr that is not part of the result."""
        if not self.json:
            self.complain(text, style)

    def complain(self, text: str, style: str = "") -> None:
        """One line on stderr, also in JSON mode."""
        _console(stderr=True).print(harmless(text), style=style, markup=False, soft_wrap=True)

    def draw_problem(
        self, problem: Mapping[str, Any], code: "LocalCode | None" = None, *, stderr: bool = True
    ) -> None:
        """A problem document, with places in `code`."""
        from triform.cli.problems import drawn

        _console(stderr=stderr).print(drawn(problem, code), soft_wrap=True)

    @contextmanager
    def working(self, what: str) -> Iterator[Callable[[str], None]]:
        """Says on stderr what is going on, and for how long. Call the value with each step.

        On a terminal it is one line that goes away; elsewhere each step is a line, so that a log shows them.
        """
        if self.json or not sys.stderr.isatty():
            yield self.remark
            return
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        words = TextColumn("{task.description}", markup=False)
        console = _console(stderr=True)
        with Progress(SpinnerColumn(), words, TimeElapsedColumn(), console=console, transient=True) as progress:
            task = progress.add_task(harmless(what), total=None)
            yield lambda text: progress.update(task, description=harmless(text))


def terminal_of(ctx: typer.Context) -> Terminal:
    return Terminal(json=bool(ctx.meta.get(_JSON)))


def _console(*, stderr: bool = False) -> "Console":
    from rich.console import Console

    # In a file or a pipe nothing is cut or folded to the width of a screen.
    width = None if (sys.stderr if stderr else sys.stdout).isatty() else 1000
    return Console(stderr=stderr, highlight=False, emoji=False, markup=False, width=width)
