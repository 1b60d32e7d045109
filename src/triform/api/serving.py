"""An HTTP server on a socket of our own, which drains running work before it ends."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import ClassVar

import uvicorn
from starlette.types import ASGIApp

from triform.api.problems import Problems
from triform.api.wire import protocol
from triform.errors import Kind, Suggestion, TriformError

_BACKLOG = 1024
_CLOSE_S = 3


class AddressTaken(TriformError):
    """The server's address cannot be bound."""

    code: ClassVar[str] = "ADDRESS_TAKEN"
    kind: ClassVar[Kind] = "unavailable"


class _Server(uvicorn.Server):
    """Signals are ours: the first one drains, which this class would not know how to."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bound(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one. Raises AddressTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise AddressTaken(
            f"{host}:{port} cannot be bound: {error.strerror}.",
            suggestion=Suggestion(
                why="Another program listens there, or the address is not this machine's.",
                fix="Choose another with --port (0 picks a free one) or --host.",
            ),
        ) from error
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


async def serve_until_told(
    app: ASGIApp,
    listener: socket.socket,
    drain: Callable[[], Awaitable[None]],
    problems: Problems,
    started: Callable[[], None] = lambda: None,
) -> None:
    """Serves until SIGTERM or SIGINT; then `drain`s while requests under way are answered. A second signal
    ends it at once."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, lifespan="off",
        timeout_graceful_shutdown=_CLOSE_S, http=protocol(problems), ws="none", timeout_keep_alive=75,
        proxy_headers=False, date_header=False,
    )  # fmt: skip
    server = _Server(config)
    told = _signals()
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    started()
    first = asyncio.create_task(told.get())
    await asyncio.wait({serving, first}, return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        await _drained(drain, told)
    server.should_exit = True
    await serving


async def _drained(drain: Callable[[], Awaitable[None]], told: asyncio.Queue[int]) -> None:
    draining, again = asyncio.ensure_future(drain()), asyncio.create_task(told.get())
    await asyncio.wait({draining, again}, return_when=asyncio.FIRST_COMPLETED)
    for task in (draining, again):
        task.cancel()
    await asyncio.gather(draining, again, return_exceptions=True)


def _signals() -> asyncio.Queue[int]:
    told: asyncio.Queue[int] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.put_nowait, number)
    return told
