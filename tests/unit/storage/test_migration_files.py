from pathlib import Path

import pytest

from triform.storage.errors import MigrationRefused
from triform.storage.migrate import fill_in, quoted, read_migrations


def _folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / name).write_text("select 1;")
    return tmp_path


def test_files_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "0002_pre_wallets.sql", "0001_platform.sql", "notes.md")
    assert [migration.version for migration in read_migrations(folder)] == [1, 2]


@pytest.mark.parametrize(
    "names",
    [
        ("0002_late.sql",),
        ("0001_a.sql", "0003_c.sql"),
        ("0001_a.sql", "0001_b.sql"),
        ("1_short.sql",),
        ("0001-dash.sql",),
    ],
)
def test_a_gap_a_double_or_an_odd_name_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(MigrationRefused):
        read_migrations(_folder(tmp_path, *names))


def test_the_shipped_migrations_are_in_order() -> None:
    shipped = Path(read_migrations.__code__.co_filename).with_name("migrations")
    assert read_migrations(shipped / "platform")
    assert read_migrations(shipped / "circle")


def test_names_are_quoted_so_that_they_cannot_break_out() -> None:
    assert quoted('a"; drop schema triform; --') == '"a""; drop schema triform; --"'


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 64, "ü" * 32])
def test_names_that_postgres_would_cut_or_refuse_are_refused_here(name: str) -> None:
    with pytest.raises(MigrationRefused):
        quoted(name)


def test_only_the_two_placeholders_are_filled_in() -> None:
    sql = "grant usage on schema {schema} to {role}; select '{}'::jsonb, '{other}'"
    assert (
        fill_in(sql, schema="s", role="r") == "grant usage on schema \"s\" to \"r\"; select '{}'::jsonb, '{other}'"
    )
