"""GCRA: a leaky bucket that remembers one number per key."""

from collections import OrderedDict

from triform.clock import Clock


class Throttle:
    """`burst` attempts at once, then one every `every_s` seconds, per key.

    Held in memory, at most `capacity` keys; the ones that have been quiet longest are forgotten first.
    """

    def __init__(self, clock: Clock, *, burst: int, every_s: float, capacity: int = 10_000) -> None:
        self._clock = clock
        self._every_s = every_s
        self._tolerance_s = every_s * (burst - 1)
        self._capacity = capacity
        self._due: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str) -> float:
        """0.0 when the attempt is admitted (and counted), else the seconds until one would be."""
        now = self._clock.monotonic()
        due = max(self._due.get(key, now), now)
        wait = due - self._tolerance_s - now
        if wait > 0:
            return wait
        self._due[key] = due + self._every_s
        self._due.move_to_end(key)
        if len(self._due) > self._capacity:
            self._due.popitem(last=False)
        return 0.0

    def forgive(self, key: str) -> None:
        """Forget a key's attempts: the secret was right."""
        self._due.pop(key, None)
