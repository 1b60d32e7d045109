"""Health is a rule over two figures."""

import pytest

from triform.runs.stats import health


@pytest.mark.parametrize(
    ("errors_per_day", "success_rate", "expected"),
    [
        (0, None, "healthy"),
        (0, 1.0, "healthy"),
        (0, 0.95, "healthy"),
        (0, 0.949, "warning"),
        (0.1, 1.0, "warning"),
        (5, 0.95, "warning"),
        (5.01, 0.999, "error"),
        (1, 0.8, "warning"),
        (1, 0.799, "error"),
    ],
)
def test_health_follows_errors_per_day_and_success_rate(
    errors_per_day: float, success_rate: float | None, expected: str
) -> None:
    assert health(errors_per_day, success_rate) == expected
