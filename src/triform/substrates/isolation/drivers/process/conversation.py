"""The control socket of a template: one question at a time, answered within a deadline, and what its process
prints while it loads."""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from triform.substrates.isolation.channel import Decoder, control, encode, parse_control
from triform.substrates.isolation.drivers.process import credentials
from triform.substrates.isolation.drivers.process.waiting import settle
from triform.substrates.isolation.interfaces import Frame, GuestGone, ProtocolViolation

_CHUNK = 1 << 16
_MOST_PRINTED = 1 << 18
"""Bytes of load output kept; the rest is read and dropped, so that printing never blocks the template."""

_MOST_UNASKED = 1 << 16
"""Bytes of hints between two clones; a template that says more is taken for hostile."""

Ended = Callable[[int | None, int | None], None]
"""Takes the exit code and the signal of a runner that has ended; neither is known when its template has."""


class _Exited(msgspec.Struct, frozen=True, tag_field="type", tag="exited"):
    clone: int
    code: int | None = None
    signal: int | None = None


class Conversation:
    """The host's ends of a template's control socket, stdout and stderr."""

    def __init__(self, line: socket.socket, stdout: int, stderr: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._line = line
        self._decoder = Decoder()
        self._arrived: deque[Frame] = deque()
        self._news: asyncio.Future[None] | None = None
        self._over: Exception | None = None
        self._asking = False
        self._unasked_for = 0
        self._watched: dict[int, Ended] = {}
        self._speaker: int | None = None
        self._printing = {stdout: "O", stderr: "E"}
        self._printed: list[Frame] = []
        self._printed_bytes = 0
        credentials.wanted(line)
        self._loop.add_reader(line.fileno(), self._hear)
        for end in self._printing:
            self._loop.add_reader(end, self._read_printed, end)

    @property
    def printed(self) -> tuple[Frame, ...]:
        """What has been printed so far, in order of arrival, bounded."""
        return tuple(self._printed)

    @property
    def open(self) -> bool:
        return self._over is None

    async def ask(self, kind: str, **members: Any) -> Mapping[str, Any]:
        """Says something and waits for the answer. Raises GuestGone or ProtocolViolation."""
        if self._over:
            raise self._over
        self._asking = True
        try:
            await self._loop.sock_sendall(self._line, encode(control(kind, **members)))
            return parse_control(await self._next())
        except OSError as error:
            raise GuestGone(str(error)) from error
        finally:
            self._asking = False
            self._keep_the_rest()

    def speaker(self) -> int:
        """The host's number of the process that has spoken. Asked for once, before user code can speak."""
        if self._speaker is None:
            raise ProtocolViolation("nobody has spoken")
        credentials.wanted(self._line, False)
        return self._speaker

    def watch(self, clone: int, ended: Ended) -> None:
        """`ended` is called once, when the harness says so of this clone, or has ended itself."""
        if self._over:
            ended(None, None)
        else:
            self._watched[clone] = ended

    def unwatch(self, clone: int) -> None:
        self._watched.pop(clone, None)

    def hand_over(self, frame: Frame, descriptors: Sequence[int]) -> None:
        """A small message with descriptors on its first byte. Raises GuestGone, also when nobody reads."""
        message = encode(frame)
        self._unasked_for = 0
        try:
            sent = socket.send_fds(self._line, [message], list(descriptors))
        except OSError as error:
            raise GuestGone(str(error)) from error
        if sent < len(message):
            raise GuestGone("the template does not read")

    def read_to_end(self) -> None:
        """The process is dead: takes what it printed last."""
        for end in list(self._printing):
            while end in self._printing and self._read_printed(end):
                pass

    def close(self) -> None:
        self._end(GuestGone("closed"))
        for end in list(self._printing):
            self._stop_reading(end)

    async def _next(self) -> Frame:
        while not self._arrived:
            if self._over:
                raise self._over
            self._news = self._loop.create_future()
            await self._news
        return self._arrived.popleft()

    def _hear(self) -> None:
        try:
            received, ancillary = credentials.received(self._line, _CHUNK)
            self._speaker = credentials.sender(ancillary) if ancillary else self._speaker
            frames = self._decoder.feed(received)
        except BlockingIOError:
            return
        except OSError as error:
            return self._end(GuestGone(str(error)))
        except ProtocolViolation as violation:
            return self._end(violation)
        if not received:
            return self._end(GuestGone("the template closed its control socket"))
        self._keep(frames, len(received))

    def _keep_the_rest(self) -> None:
        """What came with the answer is nothing anybody asked for."""
        rest = list(self._arrived)
        self._arrived.clear()
        self._keep(rest, sum(len(frame.payload) for frame in rest))

    def _keep(self, frames: list[Frame], size: int) -> None:
        if self._asking:
            self._arrived.extend(frames)
            if self._news:
                settle(self._news)
            return
        self._unasked_for += size
        if self._unasked_for > _MOST_UNASKED:
            return self._end(ProtocolViolation("the template talks without being asked"))
        try:
            for frame in frames:
                self._note(msgspec.json.decode(frame.payload, type=_Exited))
        except msgspec.DecodeError:
            self._end(ProtocolViolation("the template says something else than that a clone has ended"))

    def _note(self, exited: _Exited) -> None:
        ended = self._watched.pop(exited.clone, None)
        if ended:
            ended(exited.code, exited.signal)

    def _end(self, why: Exception) -> None:
        if self._over is None:
            self._over = why
            self._loop.remove_reader(self._line.fileno())
            self._line.close()
            watched, self._watched = self._watched, {}
            for ended in watched.values():
                ended(None, None)
        if self._news:
            settle(self._news)

    def _read_printed(self, end: int) -> bool:
        with contextlib.suppress(BlockingIOError):
            received = os.read(end, _CHUNK)
            if not received:
                self._stop_reading(end)
            elif self._printed_bytes < _MOST_PRINTED:
                self._printed.append(Frame(self._printing[end], received))
                self._printed_bytes += len(received)
            return bool(received)
        return False

    def _stop_reading(self, end: int) -> None:
        self._loop.remove_reader(end)
        del self._printing[end]
        os.close(end)
