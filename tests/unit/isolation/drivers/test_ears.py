"""Descriptors listened to one time each."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from triform.substrates.isolation.drivers.process.ears import Ears


@pytest.fixture
async def ears() -> AsyncIterator[Ears]:
    ears = Ears()
    yield ears
    ears.close()


@pytest.fixture
async def pipe() -> AsyncIterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):  # the test may have closed it
            os.close(end)


async def turns() -> None:
    """As many turns of the loop as a ready descriptor could need to be heard."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_it_is_told_once_and_again_only_when_asked(ears: Ears, pipe: tuple[int, int]) -> None:
    heard: list[str] = []
    ears.once(pipe[0], lambda: heard.append("first"))
    os.write(pipe[1], b"x")
    await turns()
    assert heard == ["first"]
    ears.once(pipe[0], lambda: heard.append("second"))
    await turns()
    assert heard == ["first", "second"]


async def test_the_end_of_the_other_side_is_heard(ears: Ears, pipe: tuple[int, int]) -> None:
    ended = asyncio.get_running_loop().create_future()
    ears.once(pipe[0], lambda: ended.set_result(None))
    os.close(pipe[1])
    await asyncio.wait_for(ended, 5)


async def test_what_is_forgotten_is_not_told_and_its_number_can_be_used_again(
    ears: Ears, pipe: tuple[int, int]
) -> None:
    heard: list[str] = []
    ears.once(pipe[0], lambda: heard.append("old"))
    os.write(pipe[1], b"x")
    ears.forget(pipe[0])
    os.close(pipe[0])
    again, end = os.pipe()
    try:
        assert again == pipe[0]
        ears.once(again, lambda: heard.append("new"))
        os.write(end, b"x")
        await turns()
        assert heard == ["new"]
        ears.forget(again)
    finally:
        os.close(again)
        os.close(end)


async def test_one_who_is_told_may_forget_another_told_at_the_same_time(ears: Ears) -> None:
    """A source that closes the others must not be followed by their last words."""
    one, other = os.pipe(), os.pipe()
    heard: list[int] = []

    def told(own: int, others: int) -> None:
        heard.append(own)
        ears.forget(others)

    ears.once(one[0], lambda: told(one[0], other[0]))
    ears.once(other[0], lambda: told(other[0], one[0]))
    for end in (one[1], other[1]):
        os.write(end, b"x")
    await turns()
    assert len(heard) == 1
    for end in (*one, *other):
        ears.forget(end)
        os.close(end)


async def test_closed_ears_forget_everything(pipe: tuple[int, int]) -> None:
    ears = Ears()
    ears.once(pipe[0], pytest.fail)
    ears.close()
    ears.close()
    ears.forget(pipe[0])
    os.write(pipe[1], b"x")
    await turns()
