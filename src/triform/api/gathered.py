"""A transport that sends together what is written together.

The head and the body of an answer come in two calls; each would be a packet and a system call of its own, and
whoever waits for the answer would wake up twice.
"""

import asyncio
from typing import Any

MOST = 64 << 10
"""Bytes that are held; beyond them the transport below decides whether the writer has to wait."""


class Gathered(asyncio.Transport):
    """Holds what is written until the end of the loop's step, `send`, or `MOST` bytes."""

    def __init__(self, below: asyncio.Transport) -> None:
        super().__init__()
        self._below = below
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] = []
        self._size = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._held:
            self._loop.call_soon(self.send)
        self._held.append(bytes(data))
        self._size += len(data)
        if self._size > MOST:
            self.send()

    def send(self) -> None:
        """What is held, now; nobody is left to send it to once the connection is closing."""
        held, self._held, self._size = self._held, [], 0
        if held and not self._below.is_closing():
            self._below.write(b"".join(held))

    def close(self) -> None:
        self.send()
        self._below.close()

    def abort(self) -> None:
        self._held.clear()
        self._below.abort()

    def is_closing(self) -> bool:
        return self._below.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._below.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._below.pause_reading()

    def resume_reading(self) -> None:
        self._below.resume_reading()
