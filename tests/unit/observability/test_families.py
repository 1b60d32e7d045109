"""The text of /metrics."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from triform.observability.families import Buckets, Family, text
from triform.observability.heartbeat import Heartbeat
from triform.observability.platform_metrics import PLATFORM
from triform.testing.clock import FakeClock


def test_a_name_stands_as_it_was_given() -> None:
    counted = Family("ruby_invocation_count", "counter", "Runs.", ("status",)).by({("failed",): 3})
    assert text([counted]).decode().splitlines() == [
        "# HELP ruby_invocation_count Runs.",
        "# TYPE ruby_invocation_count counter",
        'ruby_invocation_count{status="failed"} 3',
    ]


def test_a_histogram_counts_what_is_not_above_each_bound() -> None:
    buckets = Buckets((1, 10))
    for value in (0.5, 1, 5, 99):
        buckets.observe(value)
    assert text([Family("f", "histogram", "F.").spread({(): buckets})]).decode().splitlines()[2:] == [
        'f_bucket{le="1"} 2',
        'f_bucket{le="10"} 3',
        'f_bucket{le="+Inf"} 4',
        "f_count 4",
        "f_sum 105.5",
    ]


def test_words_that_would_break_the_format_are_escaped() -> None:
    odd = 'a "quoted" \\ and\nbroken'
    (read,) = text_string_to_metric_families(text([Family("f", "gauge", odd, ("l",)).by({(odd,): 1})]).decode())
    assert (read.documentation, read.samples[0].labels) == (odd, {"l": odd})


def test_a_family_without_values_is_announced_all_the_same() -> None:
    assert b"# TYPE f_total counter\n" in text([Family("f_total", "counter", "F.").by({})])


def test_the_table_keeps_the_customs_of_prometheus() -> None:
    names = [family.name for family in PLATFORM]
    assert len(set(names)) == len(names)
    for family in PLATFORM:
        assert re.fullmatch(r"triform_[a-z_]+", family.name)
        assert family.name.endswith("_total") == (family.kind == "counter")
        assert not {"circle", "element", "slug", "run_id", "actor"} & set(family.labels)


def test_a_loop_counts_its_turns_its_failures_and_its_time() -> None:
    clock = FakeClock()
    beat = Heartbeat("tending", clock)
    with beat.turn():
        clock.advance(2)
    done_at = clock.now().timestamp()
    with pytest.raises(ValueError, match="broken"):
        _fail(beat, clock)
    assert (beat.turns, beat.failures, beat.seconds, beat.last_at) == (2, 1, 3.0, done_at)


def _fail(beat: Heartbeat, clock: FakeClock) -> None:
    with beat.turn():
        clock.advance(1)
        raise ValueError("broken")
