"""Who may run now: worker slots, reservations, an element's own maximum, and the bounded queue for them."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import ClassVar
from uuid import UUID

from triform.errors import Kind, Suggestion, TriformError


class QueueFull(TriformError):
    """Too many calls already wait for a free slot."""

    code: ClassVar[str] = "QUEUE_FULL"
    kind: ClassVar[Kind] = "rate_limit"
    retryable: ClassVar[bool] = True
    default_suggestion: ClassVar[Suggestion | None] = Suggestion(
        why="All slots are busy and the queue behind them is full; nothing was run or charged.",
        fix="Repeat after Retry-After seconds, or send Prefer: respond-async to wait in the backlog.",
        example={"headers": {"Prefer": "respond-async"}},
    )


class Ticket:
    """The right to one slot, now or later. `release` it exactly once, whether it was granted or not."""

    def __init__(self, slots: "Slots", element_id: UUID, maximum: int | None) -> None:
        self.element_id = element_id
        self.maximum = maximum
        self._slots = slots
        self._granted = asyncio.get_running_loop().create_future()
        self._released = False

    @property
    def granted(self) -> bool:
        return self._granted.done()

    def grant(self) -> None:
        self._granted.set_result(None)

    async def wait(self, timeout_s: float, other: asyncio.Future[None]) -> bool:
        """True when granted; False when the time is up or `other` came first."""
        await asyncio.wait((self._granted, other), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        return self.granted

    def release(self) -> None:
        if not self._released:
            self._released = True
            self._slots.leave(self)


class Slots:
    """`total` runs at once. An element's reserved slots are kept free for it; at most half can be reserved.

    `freed` is called whenever a slot comes free that nobody in the queue could use.
    """

    def __init__(self, total: int, queue_limit: int, freed: Callable[[], None] = lambda: None) -> None:
        self.total = total
        self._queue_limit = queue_limit
        self._freed = freed
        self._running: Counter[UUID] = Counter()
        self._reserved: dict[UUID, int] = {}
        self._queue: deque[Ticket] = deque()

    def reserve(self, wanted: Mapping[UUID, int]) -> None:
        """Replaces the reservations; honoured in the order given up to half of all slots."""
        left = self.total // 2
        self._reserved = {}
        for element_id, count in wanted.items():
            self._reserved[element_id] = min(count, left)
            left -= self._reserved[element_id]
        self._serve()

    def arrive(self, element_id: UUID, maximum: int | None) -> Ticket:
        """A ticket, granted at once when a slot is free; else queued. Raises QueueFull."""
        ticket = Ticket(self, element_id, maximum)
        if self._free_for(ticket):
            self._take(ticket)
        elif len(self._queue) >= self._queue_limit:
            raise QueueFull
        else:
            self._queue.append(ticket)
        return ticket

    def take(self, element_id: UUID, maximum: int | None) -> Ticket | None:
        """A granted ticket or None; never queues, never overtakes a waiting call of the same element."""
        ticket = Ticket(self, element_id, maximum)
        if any(waiting.element_id == element_id for waiting in self._queue) or not self._free_for(ticket):
            return None
        self._take(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        if not ticket.granted:
            self._queue.remove(ticket)
            return
        self._running[ticket.element_id] -= 1
        if not self._running[ticket.element_id]:
            del self._running[ticket.element_id]
        self._serve()
        self._freed()

    @property
    def busy(self) -> int:
        return self._running.total()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def free(self) -> int:
        return self.total - self.busy

    def _serve(self) -> None:
        for ticket in [waiting for waiting in self._queue]:
            if self._free_for(ticket):
                self._queue.remove(ticket)
                self._take(ticket)

    def _take(self, ticket: Ticket) -> None:
        self._running[ticket.element_id] += 1
        ticket.grant()

    def _free_for(self, ticket: Ticket) -> bool:
        if self.busy >= self.total:  # Reservations may have changed under those who run.
            return False
        running = self._running.get(ticket.element_id, 0)
        if ticket.maximum is not None and running >= ticket.maximum:
            return False
        if running < self._reserved.get(ticket.element_id, 0):
            return True
        shared = self.total - sum(self._reserved.values())
        return self._beyond_reservation() < shared

    def _beyond_reservation(self) -> int:
        return sum(max(0, count - self._reserved.get(element, 0)) for element, count in self._running.items())
