"""What a guest says, pulled: frames from its channel and bytes from its stdout and stderr.

The guest is never read ahead of the reader by more than one piece of each; beyond that its writes block.
"""

import asyncio
import os
import socket
from collections import deque
from functools import partial
from typing import Self

from triform.substrates.isolation.channel import Decoder
from triform.substrates.isolation.drivers.process.ears import Ears
from triform.substrates.isolation.interfaces import Frame, ProtocolViolation

_CHUNK = 1 << 16
_LAST = 4 << 20
"""Most that is still taken from a source after its guest has died; kernel buffers hold less."""


class Sources:
    """An async iterator of frames that ends when channel, stdout and stderr have ended and `conclude` was called,
    or with `close`."""

    def __init__(self, ears: Ears, channel: socket.socket, stdout: int, stderr: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._ears = ears
        self._channel = channel
        self._decoder = Decoder()
        self._kinds = {channel.fileno(): "J", stdout: "O", stderr: "E"}
        self._open = set(self._kinds)
        self._listening: set[int] = set()
        self._frames: deque[Frame] = deque()
        self._concluded = False
        self._violation: ProtocolViolation | None = None
        self._waiter: asyncio.Future[None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Frame:
        while not self._frames:
            if self._violation:
                raise self._violation
            if not self._open and self._concluded:
                raise StopAsyncIteration
            self._listen()
            self._waiter = self._loop.create_future()
            await self._waiter
        return self._frames.popleft()

    def conclude(self, last: Frame | None) -> None:
        """The guest has ended, as another source tells, with a frame of its own about it."""
        self._concluded = True
        if last:
            self._take_what_is_there()
            if not self._violation:
                self._frames.append(last)
        self._wake()

    def drain(self) -> None:
        """The guest is dead: takes what it left in the kernel's buffers, then closes."""
        self._take_what_is_there()
        self.close()

    def rest(self) -> tuple[Frame, ...]:
        """Frames that are there already; the guest lives on, and is not read any more."""
        self._take_what_is_there()
        frames = tuple(self._frames)
        self._frames.clear()
        return frames

    def _take_what_is_there(self) -> None:
        for source in list(self._open):
            taken = 0
            while source in self._open and taken < _LAST:
                received = self._receive(source)
                if received is None:
                    break
                taken += len(received)

    def close(self) -> None:
        self._concluded = True
        for source in list(self._open):
            self._shut(source)
        self._wake()

    def feed(self, received: bytes) -> None:
        """Bytes of the channel that were read elsewhere."""
        try:
            frames = self._decoder.feed(received)
        except ProtocolViolation as violation:
            self._violation = violation
            return
        self._frames.extend(frames)

    def _listen(self) -> None:
        for source in self._open - self._listening:
            self._listening.add(source)
            self._ears.once(source, partial(self._readable, source))

    def _readable(self, source: int) -> None:
        self._listening.discard(source)
        self._receive(source)
        self._wake()

    def _receive(self, source: int) -> bytes | None:
        """One piece; None when there is nothing right now. An empty piece is the end of this source."""
        kind = self._kinds[source]
        try:
            received = self._channel.recv(_CHUNK) if kind == "J" else os.read(source, _CHUNK)
        except BlockingIOError:
            return None
        except OSError:
            received = b""
        if not received:
            self._shut(source)
        elif kind == "J":
            self.feed(received)
        else:
            self._frames.append(Frame(kind, received))
        return received

    def _shut(self, source: int) -> None:
        self._open.discard(source)
        self._ears.forget(source)
        if self._kinds[source] == "J":
            self._loop.remove_writer(source)  # somebody may still be waiting to write
            self._channel.close()
        else:
            os.close(source)

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
