"""The host's end of a guest in tests: a socket and two pipes, read into one queue of frames."""

import asyncio
import contextlib
import os
import signal
import socket
import struct
from collections.abc import Mapping
from typing import Any

from triform.substrates.isolation.channel import Decoder, encode, parse_control
from triform.substrates.isolation.interfaces import Frame, GuestGone, ProtocolViolation


class Link:
    """A socket and two pipes read into one queue of frames, in order of arrival."""

    def __init__(self, ours: socket.socket) -> None:
        self.socket = ours
        self.first = 0
        """Process id of whoever wrote to the socket first, as the kernel says."""
        self.printed: list[Frame] = []
        self.closed = asyncio.Event()
        self._frames: asyncio.Queue[Frame | ProtocolViolation | None] = asyncio.Queue()
        self._pipes: dict[int, str] = {}
        self._decoder = Decoder()

    @classmethod
    async def open(cls, ours: socket.socket, output: int, error: int) -> "Link":
        ours.setblocking(False)
        link = cls(ours)
        loop = asyncio.get_running_loop()
        loop.add_reader(ours.fileno(), link._read_socket)
        for descriptor, kind in ((output, "O"), (error, "E")):
            os.set_blocking(descriptor, False)
            link._pipes[descriptor] = kind
            loop.add_reader(descriptor, link._read_pipe, descriptor, kind)
        return link

    async def send(self, *frames: Frame) -> None:
        try:
            await asyncio.get_running_loop().sock_sendall(self.socket, b"".join(map(encode, frames)))
        except OSError as error:
            raise GuestGone(str(error)) from error

    async def next(self) -> Frame | None:
        if self.closed.is_set() and self._frames.empty():
            return None
        found = await self._frames.get()
        if isinstance(found, ProtocolViolation):
            raise found
        return found

    async def message(self) -> Mapping[str, Any]:
        """The next control message; what is printed meanwhile is kept in `printed`."""
        while (frame := await self.next()) is not None:
            if frame.kind == "J":
                return parse_control(frame)
            self.printed.append(frame)
        raise GuestGone("the guest closed its end")

    async def drain(self) -> None:
        while (frame := await self.next()) is not None:
            self.printed.append(frame)

    def there(self) -> tuple[Frame, ...]:
        """What has arrived, without waiting for more."""
        for descriptor, kind in list(self._pipes.items()):
            with contextlib.suppress(BlockingIOError):
                while descriptor in self._pipes:
                    self._read_pipe(descriptor, kind)
        found: list[Frame] = []
        while not self._frames.empty():
            frame = self._frames.get_nowait()
            found += [frame] if isinstance(frame, Frame) else []
        return tuple(found)

    def _read_socket(self) -> None:
        try:
            received, ancillary, *_ = self.socket.recvmsg(1 << 16, socket.CMSG_SPACE(12))
        except OSError:
            received, ancillary = b"", []
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                self.first = self.first or struct.unpack("iII", content)[0]
        if not received:
            self._close_socket()
            return
        try:
            for frame in self._decoder.feed(received):
                self._frames.put_nowait(frame)
        except ProtocolViolation as violation:
            self._frames.put_nowait(violation)

    def _read_pipe(self, descriptor: int, kind: str) -> None:
        received = os.read(descriptor, 1 << 16)
        if received:
            self._frames.put_nowait(Frame(kind, received))
            return
        self._close_pipe(descriptor)

    def cut(self) -> None:
        """Kills the first process, if it is known, and closes everything at once."""
        if self.first:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.first, signal.SIGKILL)
        if self.socket.fileno() >= 0:
            self._close_socket()
        for descriptor in list(self._pipes):
            self._close_pipe(descriptor)

    def _close_socket(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket.fileno())
        self.socket.close()
        self._end_when_closed()

    def _close_pipe(self, descriptor: int) -> None:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
        self._pipes.pop(descriptor, None)
        self._end_when_closed()

    def _end_when_closed(self) -> None:
        if self.socket.fileno() < 0 and not self._pipes:
            self._frames.put_nowait(None)
            self.closed.set()
