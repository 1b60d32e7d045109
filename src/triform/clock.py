"""Time, injected: nobody below the wiring asks the system directly."""

import re
import time
from datetime import UTC, datetime
from typing import Protocol

_LEAP = re.compile(r"(?<=:\d\d):60")


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back; for durations and deadlines."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds and `Z`: `2026-01-31T12:00:00.000000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_rfc3339(text: str) -> datetime:
    """The moment a text names; a leap second is taken for the second before it. Raises ValueError."""
    moment = datetime.fromisoformat(_LEAP.sub(":59", text.upper()))
    if moment.tzinfo is None:
        raise ValueError("it does not say its zone")
    return moment
