"""Slots under any order of arrivals, ends and reservations."""

import asyncio
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from tests.hunting import examples
from triform.executor.slots import QueueFull, Slots, Ticket

ELEMENTS = st.sampled_from([UUID(int=n) for n in range(1, 4)])
MAXIMUMS = st.sampled_from([None, 1, 2])


class SlotsMachine(RuleBasedStateMachine):
    """`maximum` belongs to the element, so it is drawn once per element."""

    tickets = Bundle("tickets")

    @initialize(
        total=st.integers(2, 6), queue=st.integers(0, 4), maximums=st.lists(MAXIMUMS, min_size=3, max_size=3)
    )
    def begin(self, total: int, queue: int, maximums: list[int | None]) -> None:
        self.loop = asyncio.new_event_loop()
        self.slots = Slots(total, queue)
        self.total, self.queue = total, queue
        self.maximums = {UUID(int=n + 1): maximum for n, maximum in enumerate(maximums)}
        self.reserved: dict[UUID, int] = {}
        self.held: list[Ticket] = []

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.close()

    @rule(target=tickets, element=ELEMENTS)
    def arrive(self, element: UUID) -> object:
        before = self.slots.waiting
        try:
            ticket = self._run(lambda: self.slots.arrive(element, self.maximums[element]))
        except QueueFull:
            assert before >= self.queue
            return multiple()
        self.held.append(ticket)
        return ticket

    @rule(target=tickets, element=ELEMENTS)
    def take(self, element: UUID) -> object:
        before = self.slots.waiting
        ticket = self._run(lambda: self.slots.take(element, self.maximums[element]))
        assert self.slots.waiting == before
        if ticket is None:
            return multiple()
        assert ticket.granted
        self.held.append(ticket)
        return ticket

    @rule(ticket=consumes(tickets))
    def release(self, ticket: Ticket) -> None:
        ticket.release()
        ticket.release()  # Twice is once.
        self.held.remove(ticket)

    @rule(element=ELEMENTS, count=st.integers(0, 3))
    def reserve(self, element: UUID, count: int) -> None:
        self.reserved[element] = count
        self.slots.reserve(self.reserved)

    @invariant()
    def nobody_runs_beyond_a_limit(self) -> None:
        if not hasattr(self, "slots"):
            return
        running = [ticket for ticket in self.held if ticket.granted]
        assert self.slots.busy == len(running) <= self.total
        for element, maximum in self.maximums.items():
            count = sum(ticket.element_id == element for ticket in running)
            assert maximum is None or count <= maximum

    @invariant()
    def the_queue_is_bounded_and_nobody_waits_in_vain(self) -> None:
        if not hasattr(self, "slots"):
            return
        waiting = [ticket for ticket in self.held if not ticket.granted]
        assert self.slots.waiting == len(waiting) <= self.queue
        idle = self.slots.busy == 0
        assert not (idle and waiting)

    def _run(self, act: "object") -> "Ticket":
        async def inside() -> object:
            return act()  # type: ignore[operator]

        return self.loop.run_until_complete(inside())  # type: ignore[return-value]


SlotsMachine.TestCase.settings = examples(60, stateful_step_count=40)
TestSlots = SlotsMachine.TestCase


@pytest.fixture
def slots() -> Slots:
    return Slots(total=4, queue_limit=10)


async def test_a_reservation_is_a_floor_for_one_and_a_ceiling_for_the_others(slots: Slots) -> None:
    mine, theirs = UUID(int=1), UUID(int=2)
    slots.reserve({mine: 2})
    greedy = [slots.arrive(theirs, None) for _ in range(4)]
    assert [ticket.granted for ticket in greedy] == [True, True, False, False]
    assert slots.arrive(mine, None).granted
    assert slots.arrive(mine, None).granted


async def test_at_most_half_of_the_slots_can_be_reserved(slots: Slots) -> None:
    mine, theirs = UUID(int=1), UUID(int=2)
    slots.reserve({mine: 1000})
    assert [slots.arrive(theirs, None).granted for _ in range(3)] == [True, True, False]


async def test_who_waits_is_served_in_order(slots: Slots) -> None:
    one = UUID(int=1)
    running = slots.arrive(one, 1)
    first, second = slots.arrive(one, 1), slots.arrive(one, 1)
    running.release()
    assert (first.granted, second.granted) == (True, False)


async def test_giving_up_the_wait_frees_the_place(slots: Slots) -> None:
    one = UUID(int=1)
    slots.arrive(one, 1)
    waiting = slots.arrive(one, 1)
    waiting.release()
    assert slots.waiting == 0


async def test_a_new_reservation_waits_for_those_who_already_run(slots: Slots) -> None:
    mine, theirs = UUID(int=1), UUID(int=2)
    running = [slots.arrive(theirs, None) for _ in range(4)]
    waiting = slots.arrive(mine, None)
    slots.reserve({mine: 2})
    assert (slots.busy, waiting.granted) == (4, False)
    running[0].release()
    assert waiting.granted
