from datetime import UTC, datetime

import pytest

from triform.circles.throttle import Throttle


class Hand:
    """A clock turned by hand, in seconds."""

    seconds = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds


def test_a_burst_is_admitted_then_one_per_interval() -> None:
    clock = Hand()
    throttle = Throttle(clock, burst=3, every_s=10)
    assert [throttle.take("a") for _ in range(4)] == [0, 0, 0, 10]
    clock.seconds = 9.5
    assert throttle.take("a") == pytest.approx(0.5)
    clock.seconds = 10
    assert throttle.take("a") == 0
    assert throttle.take("a") == 10


def test_refused_attempts_do_not_prolong_the_wait() -> None:
    throttle = Throttle(Hand(), burst=1, every_s=10)
    throttle.take("a")
    assert [throttle.take("a") for _ in range(100)] == [10] * 100


def test_keys_do_not_share_and_a_forgiven_key_starts_anew() -> None:
    throttle = Throttle(Hand(), burst=1, every_s=10)
    assert throttle.take("a") == 0
    assert throttle.take("b") == 0
    throttle.forgive("a")
    assert throttle.take("a") == 0
    assert throttle.take("b") == 10


def test_memory_is_bounded() -> None:
    throttle = Throttle(Hand(), burst=1, every_s=10, capacity=100)
    for key in range(1000):
        throttle.take(str(key))
    assert len(throttle._due) == 100
