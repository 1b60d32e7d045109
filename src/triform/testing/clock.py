"""A clock that stands still until a test moves it, and one that goes on but is set wrong."""

from datetime import UTC, datetime, timedelta

from triform.clock import SystemClock


class FakeClock:
    """Both its readings move together: `clock.advance(1.5)`, in seconds."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = now
        self._monotonic = 1_000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("time does not go back; use set() for a wall clock that was corrected")
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def set(self, now: datetime) -> None:
        """Correct the wall clock, also backwards; the monotonic one does not notice."""
        self._now = now


class SkewedClock(SystemClock):
    """The system's, its wall clock set `ahead` seconds wrong; the monotonic one does not notice."""

    ahead: float = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead)
