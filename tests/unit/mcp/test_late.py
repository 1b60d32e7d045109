"""Made when it is first asked for, once, and ended with the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from triform.mcp.late import Late


class Made:
    """Remembers which tasks opened and closed it."""

    def __init__(self) -> None:
        self.opened: asyncio.Task[Any] | None = None
        self.closed: asyncio.Task[Any] | None = None

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        self.opened = asyncio.current_task()
        try:
            yield
        finally:
            self.closed = asyncio.current_task()

    async def handle_request(self, scope: Any, receive: Any, send: Any) -> None:
        raise NotImplementedError


async def test_all_who_ask_get_the_one_that_is_made_and_it_is_closed_where_it_was_opened() -> None:
    made: list[Made] = []
    late = Late(lambda: made.append(Made()) or made[-1])
    async with late.running():
        assert made == []
        assert [await late.made() for _ in range(2)] == list(await asyncio.gather(late.made(), late.made()))
    (one,) = made
    assert one.opened is one.closed is not None


async def test_what_is_never_asked_for_is_never_made() -> None:
    late = Late(lambda: pytest.fail("made"))
    async with late.running():
        await asyncio.sleep(0)


async def test_whoever_asks_is_told_why_it_cannot_be_made() -> None:
    def broken() -> Made:
        raise ImportError("no library")

    late = Late(broken)
    async with late.running():
        for _ in range(2):
            with pytest.raises(ImportError, match="no library"):
                await late.made()


async def test_who_gives_up_waiting_does_not_take_it_from_the_others() -> None:
    late = Late(Made)
    async with late.running():
        waiting = asyncio.ensure_future(late.made())
        await asyncio.sleep(0)
        waiting.cancel()
        assert isinstance(await late.made(), Made)


async def test_nothing_is_made_for_a_server_that_does_not_run() -> None:
    with pytest.raises(RuntimeError):
        await Late(Made).made()
