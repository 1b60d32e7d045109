"""The bench's arithmetic."""

from bench.figures import Figures, table, together


def test_durations_become_medians_and_rates() -> None:
    found = Figures("x", [0.001, 0.002, 0.003, 0.004, 0.1], wall_s=2.0)
    assert (found.p50_ms, found.p95_ms, found.per_second, found.runs) == (3.0, 100.0, 2.5, 5)


def test_the_table_says_how_many_times_faster_than_the_baseline() -> None:
    rows = [Figures("ours", [0.005], 1.0), Figures("spawn", [0.05], 1.0)]
    assert "| ours | 5.00 | 5.00 | 1 | 10.0× |" in table(rows, "spawn")


def test_turns_become_one_series_each() -> None:
    turns = [
        [Figures("a", [0.001], 1.0), Figures("b", [0.01, 0.03], 2.0)],
        [Figures("a", [0.003], 1.0), Figures("b", [0.02], 1.0)],
    ]
    one, other = together(turns)
    assert (one.name, one.p50_ms, one.per_second) == ("a", 2.0, 1.0)
    assert (other.name, other.p50_ms, other.runs, other.per_second) == ("b", 20.0, 3, 1.0)
