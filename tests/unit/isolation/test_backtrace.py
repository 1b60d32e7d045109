"""The lines around a place in user code."""

from pathlib import Path

import pytest

from triform.substrates.isolation.backtrace import excerpt, source_around
from triform.substrates.isolation.messages import Place

CODE = "".join(f"line {number}\n" for number in range(1, 8))


def _shown(line: int, text: str = CODE) -> list[int]:
    found = excerpt(text, Place("main.rb", line))
    return [row["line"] for row in found["context"]] if found else []


@pytest.mark.parametrize(
    ("line", "shown"),
    [(1, [1, 2, 3]), (4, [2, 3, 4, 5, 6]), (7, [5, 6, 7]), (8, [6, 7]), (9, []), (0, []), (-1, [])],
)
def test_two_lines_before_and_two_after_are_shown(line: int, shown: list[int]) -> None:
    assert _shown(line) == shown


def test_of_nothing_nothing_is_shown() -> None:
    assert _shown(1, "") == []


def test_only_files_of_the_folder_are_read(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.rb").write_text(CODE)
    (tmp_path / "secret").write_text(CODE)
    assert source_around(tmp_path / "app", Place("main.rb", 1))
    assert source_around(tmp_path / "app", Place("../secret", 1)) is None
