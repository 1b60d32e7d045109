"""The bench's arithmetic."""

from bench.figures import figures, table


def test_durations_become_medians_and_rates() -> None:
    found = figures("x", [0.001, 0.002, 0.003, 0.004, 0.1], wall_s=2.0)
    assert (found.p50_ms, found.p95_ms, found.per_second, found.runs) == (3.0, 100.0, 2.5, 5)


def test_the_table_says_how_many_times_faster_than_the_baseline() -> None:
    rows = [figures("ours", [0.005], 1.0), figures("spawn", [0.05], 1.0)]
    assert "| ours | 5.00 | 5.00 | 1 | 10.0× |" in table(rows, "spawn")
