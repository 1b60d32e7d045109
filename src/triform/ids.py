"""UUIDv7 (RFC 9562): ids that sort by the time they were made."""

import secrets
import threading
from datetime import UTC, datetime
from uuid import UUID

from triform.clock import Clock, SystemClock

_COUNTER_BITS = 12
_TAIL_BITS = 62


class Ids:
    """Makes UUIDv7s that strictly increase within this process, even when the clock goes back.

    The 48-bit millisecond is followed by a 12-bit counter; when one millisecond is exhausted or the
    clock steps back, the millisecond of the last id is carried on instead.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._last = 0

    def new(self) -> UUID:
        now_ms = int(self._clock.now().timestamp() * 1000)
        tail, start = divmod(secrets.randbits(_TAIL_BITS + _COUNTER_BITS - 1), 1 << (_COUNTER_BITS - 1))
        with self._lock:
            start |= now_ms << _COUNTER_BITS
            self._last = max(self._last + 1, start)
            tick = self._last
        return _assemble(tick >> _COUNTER_BITS, tick & ((1 << _COUNTER_BITS) - 1), tail)


def _assemble(ms: int, counter: int, tail: int) -> UUID:
    return UUID(int=(ms << 80) | (0x7 << 76) | (counter << 64) | (0b10 << 62) | tail)


def moment_of(uuid7: UUID) -> datetime:
    """The millisecond a UUIDv7 was made in."""
    return datetime.fromtimestamp((uuid7.int >> 80) / 1000, UTC)


def first_at(moment: datetime) -> UUID:
    """The smallest UUIDv7 of that millisecond: a bound for ranges by time."""
    return _assemble(int(moment.timestamp() * 1000), 0, 0)


def last_at(moment: datetime) -> UUID:
    """The greatest UUIDv7 of that millisecond."""
    return _assemble(int(moment.timestamp() * 1000), (1 << _COUNTER_BITS) - 1, (1 << _TAIL_BITS) - 1)
