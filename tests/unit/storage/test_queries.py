from pathlib import Path

import pytest

from triform.storage.queries import QueryFileError, load, parse

TEXT = """-- Everything about wallets.

-- name: open
-- A new wallet,
-- empty.
INSERT INTO wallets (circle_id) VALUES ($1);

-- name: wallet_of
-- What is there.
SELECT balance -- and what is held
FROM wallets;
"""


def test_a_query_has_a_name_a_description_and_a_statement_without_semicolon() -> None:
    query = parse(TEXT, "queries.sql")["open"]
    assert (query.name, query.description) == ("open", "A new wallet, empty.")
    assert query.sql == "INSERT INTO wallets (circle_id) VALUES ($1)"


def test_comments_within_a_statement_stay() -> None:
    assert parse(TEXT, "queries.sql")["wallet_of"].sql == "SELECT balance -- and what is held\nFROM wallets"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("SELECT 1;", "before the first"),
        ("-- name: a\nSELECT 1;", "says what it does"),
        ("-- name: a\n-- Nothing.\n", "no statement"),
        ("-- name: Two Words\n-- It.\nSELECT 1;", "is not a name"),
        ("-- name:\n-- It.\nSELECT 1;", "is not a name"),
        ("-- name: a\n-- It.\nSELECT 1;\n-- name: a\n-- It.\nSELECT 2;", "two queries"),
    ],
)
def test_a_file_that_is_not_in_order_is_refused_with_its_place(text: str, complaint: str) -> None:
    with pytest.raises(QueryFileError, match=f"rooms/queries.sql: .*{complaint}"):
        parse(text, "rooms/queries.sql")


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "queries.sql").write_text(TEXT)
    queries = load(str(tmp_path / "store.py"))
    with pytest.raises(QueryFileError, match=r"no query is named 'opne'; there are: open, wallet_of"):
        queries["opne"]
    assert list(queries) == ["open", "wallet_of"]
