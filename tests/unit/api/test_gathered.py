"""What is written together leaves together, and nothing stays behind."""

import asyncio
from typing import Any

import pytest

from triform.api.gathered import MOST, Gathered


class Below(asyncio.Transport):
    """Keeps each piece it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.closing = False

    def write(self, data: Any) -> None:
        assert not self.closing
        self.pieces.append(bytes(data))

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing


@pytest.fixture
async def below() -> Below:
    return Below()


async def test_head_and_body_are_one_piece(below: Below) -> None:
    line = Gathered(below)
    line.write(b"head ")
    line.write(memoryview(b"body"))
    assert below.pieces == []
    line.send()
    await asyncio.sleep(0)
    assert below.pieces == [b"head body"]


async def test_what_nobody_sends_leaves_with_the_step(below: Below) -> None:
    line = Gathered(below)
    for number in (b"1", b"2"):
        line.write(number)
        await asyncio.sleep(0)
    assert below.pieces == [b"1", b"2"]


async def test_a_stream_is_not_kept_in_memory(below: Below) -> None:
    line = Gathered(below)
    for _ in range(10):
        line.write(bytes(MOST))
    assert sum(map(len, below.pieces)) >= 9 * MOST


async def test_closing_sends_what_is_held_and_aborting_does_not(below: Below) -> None:
    line = Gathered(below)
    line.write(b"last words")
    line.close()
    await asyncio.sleep(0)
    assert (below.pieces, below.closing) == ([b"last words"], True)
    other = Below()
    line = Gathered(other)
    line.write(b"never")
    line.abort()
    await asyncio.sleep(0)
    assert (other.pieces, other.closing) == ([], True)


async def test_nothing_is_written_to_a_connection_that_has_gone_meanwhile(below: Below) -> None:
    line = Gathered(below)
    line.write(b"too late")
    below.closing = True
    await asyncio.sleep(0)
    assert below.pieces == []
