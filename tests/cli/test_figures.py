"""Tables take the room there is."""

import pytest
from rich.console import Console

from triform.cli.figures import table

RUN = "01932d0a-7c3e-7aaa-8bbb-123456789abc"
COLUMNS = ("run", "element", "created", "error")
ROW = (RUN, "greet", "2026-01-31 12:00:00", "RUBY_EXECUTION_FAILED")
SPARE = ("created", "error")


def _drawn(width: int, spare: tuple[str, ...] = SPARE) -> list[str]:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table(COLUMNS, [ROW], spare=spare))
    return [" ".join(line.split()) for line in captured.get().splitlines()]


@pytest.mark.parametrize(
    ("width", "row"),
    [
        (90, f"{RUN} greet 2026-01-31 12:00:00 RUBY_EXECUTION_FAILED"),
        (89, f"{RUN} greet 2026-01-31 12:00:00 RUBY_EXECUTION_FAILED"),
        (88, "01932d0a-7c3e-7aaa greet 2026-01-31 12:00:00 RUBY_EXECUTION_FAILED"),
        (71, "01932d0a-7c3e-7aaa greet 2026-01-31 12:00:00 RUBY_EXECUTION_FAILED"),
        (70, "01932d0a-7c3e-7aaa greet RUBY_EXECUTION_FAILED"),
        (50, "01932d0a-7c3e-7aaa greet RUBY_EXECUTION_FAILED"),
        (49, "01932d0a-7c3e-7aaa greet"),
    ],
)
def test_what_can_be_spared_goes_first(width: int, row: str) -> None:
    assert _drawn(width)[1:] == [row]


@pytest.mark.parametrize("width", [7, 20])
def test_what_cannot_be_spared_is_folded_and_never_cut(width: int) -> None:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table(("error",), [("RUBY_EXECUTION_FAILED",)]))
    assert "".join(captured.get().split()) == "errorRUBY_EXECUTION_FAILED"


def test_cells_cannot_drive_the_terminal() -> None:
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table(("name",), [("\x1b[2J",)]))
    assert "\x1b[2J" not in captured.get()
