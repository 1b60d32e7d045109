"""How the background loops of a node are doing."""

from collections.abc import Iterator
from contextlib import contextmanager

from triform.clock import Clock, SystemClock


class Heartbeat:
    """One loop's figures since the start; a metrics reader takes them as they are."""

    def __init__(self, loop: str, clock: Clock | None = None) -> None:
        self.loop = loop
        self.turns = 0
        self.failures = 0
        self.seconds = 0.0
        self.last_at = 0.0
        """Unix seconds of the end of the last turn that went well; 0 before the first."""
        self._clock = clock or SystemClock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Around one turn. An exception is a failure; being cancelled is the end of the loop, not one."""
        began = self._clock.monotonic()
        try:
            yield
        except Exception:
            self.failures += 1
            raise
        else:
            self.last_at = self._clock.now().timestamp()
        finally:
            self.turns += 1
            self.seconds += self._clock.monotonic() - began
