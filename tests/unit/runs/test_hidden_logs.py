"""Lines of a run that prints a secret: masked before they are cut, numbered, bounded or spooled."""

from pathlib import Path
from uuid import UUID

import pytest

from triform.runs.logs import LogBook
from triform.runs.mask import Mask
from triform.runs.spool import Spool
from triform.testing.clock import FakeClock

TOKEN = "hunter2hunter2"
KEY = "first line of it\nsecond line of it"


@pytest.fixture
def book(clock: FakeClock) -> LogBook:
    book = LogBook(clock, 1000)
    book.hide(Mask([TOKEN, KEY]))
    return book


def texts(book: LogBook) -> list[str]:
    return [line.text for line in book.finish().lines]


def test_a_value_printed_in_pieces_is_masked(book: LogBook) -> None:
    for piece in (b"a hun", b"ter2h", b"unter2", b"! b\n"):
        book.write("stdout", piece)
    assert texts(book) == ["a [secret]! b"]


def test_streams_are_masked_apart(book: LogBook) -> None:
    book.write("stdout", b"hunter2")
    book.write("stderr", b"between\n")
    book.write("stdout", b"hunter2\n")
    assert texts(book) == ["between", "[secret]"]


def test_a_value_of_several_lines_becomes_one_marker(book: LogBook) -> None:
    book.write("stdout", f"key: {KEY}\nnext\n".encode())
    assert texts(book) == ["key: [secret]", "next"]


def test_whole_lines_are_there_at_once(book: LogBook) -> None:
    book.write("stdout", b"one\ntwo\n")
    assert [line.text for line in book.lines] == ["one", "two"]


def test_a_run_that_is_killed_within_a_value_shows_nothing_of_it(book: LogBook) -> None:
    book.write("stdout", b"token: hunter2hun")
    assert texts(book) == ["token: [secret]"]


def test_the_spool_has_no_value_either(book: LogBook, tmp_path: Path) -> None:
    spool, run_id = Spool(tmp_path), UUID(int=7)
    spool.open(run_id, book)
    book.write("stdout", b"x hunter2hunter2 y\nhunter2")
    spool.flush()
    assert [line.text for line in spool.left_behind(run_id)] == ["x [secret] y"]
    assert b"hunter" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_what_is_over_the_limit_is_counted_as_without_a_mask(book: LogBook) -> None:
    for _ in range(100):
        book.write("stdout", b"hunter2hunter2 and more\n")
    kept = book.finish()
    assert kept.summary.total == 100
    assert kept.summary.dropped > 0
    assert not any("hunter" in line.text for line in kept.lines)
