import pytest

from triform.storage.dsn import as_role, at_database

EMBEDDED = "postgresql://triform:s%2Fecret@/triform?host=%2Ftmp%2Fpg&port=5432"
REMOTE = "postgresql://app:secret@db.internal:6432/main?sslmode=require"


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        (EMBEDDED, "postgresql://triform:s%2Fecret@/other?host=%2Ftmp%2Fpg&port=5432"),
        (REMOTE, "postgresql://app:secret@db.internal:6432/other?sslmode=require"),
    ],
)
def test_another_database_on_the_same_server(dsn: str, expected: str) -> None:
    assert at_database(dsn, "other") == expected


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        (EMBEDDED, "postgresql://circle_1:a%40b%2F@/triform?host=%2Ftmp%2Fpg&port=5432"),
        (REMOTE, "postgresql://circle_1:a%40b%2F@db.internal:6432/main?sslmode=require"),
    ],
)
def test_another_role_on_the_same_server(dsn: str, expected: str) -> None:
    assert as_role(dsn, "circle_1", "a@b/") == expected
