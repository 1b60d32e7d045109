"""What is made when it is first asked for, beside the event loop, and ends with the server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from starlette.types import Receive, Scope, Send


class Manager(Protocol):
    """Answers requests while its `run()` lasts."""

    def run(self) -> AbstractAsyncContextManager[None]: ...

    async def handle_request(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Late:
    """`make` may take long (it imports a library); it is called in a thread, at most once."""

    def __init__(self, make: Callable[[], Manager]) -> None:
        self._make = make
        self._wanted = asyncio.Event()
        self._made: asyncio.Future[Manager] | None = None

    async def made(self) -> Manager:
        """Waits for the first time; raises what making it raised. Only while `running`."""
        if self._made is None:
            raise RuntimeError("not running")
        self._wanted.set()
        return await asyncio.shield(self._made)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._made = asyncio.get_running_loop().create_future()
        living = asyncio.create_task(self._live(self._made), name="late")
        try:
            yield
        finally:
            living.cancel()
            await asyncio.wait({living})

    async def _live(self, made: asyncio.Future[Manager]) -> None:
        """A task of its own: what `run()` opens has to be closed by whoever opened it."""
        await self._wanted.wait()
        try:
            manager = await asyncio.to_thread(self._make)
        except Exception as error:
            made.set_exception(error)
            return
        async with manager.run():
            made.set_result(manager)
            await asyncio.Event().wait()
