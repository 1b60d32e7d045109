"""One clone: ready, good for one run, dead and gone after `kill`."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from triform.substrates.isolation.channel import control, encode
from triform.substrates.isolation.drivers.process.launcher.figures import usage
from triform.substrates.isolation.drivers.process.link import Link
from triform.substrates.isolation.drivers.process.sources import Sources
from triform.substrates.isolation.drivers.process.waiting import settle
from triform.substrates.isolation.interfaces import DriverFault, Exit, Frame, GuestGone, Instance


@dataclass(frozen=True, slots=True)
class Body:
    """What a clone consists of, on the host: its channel, what it prints, its first process, its group."""

    channel: socket.socket
    stdout: int
    stderr: int
    pidfd: int
    group: str


class ProcessInstance(Instance):
    """`after`, if any, is awaited once the clone is gone (a template of its own goes with it)."""

    def __init__(self, body: Body, link: Link, after: Callable[[], Awaitable[None]] | None = None) -> None:
        self._body = body
        self._link = link
        self._after = after
        self._sources = Sources(link.ears, body.channel, body.stdout, body.stderr)
        self._told = False
        self._ending: asyncio.Task[Exit] | None = None
        self._writable: asyncio.Future[None] | None = None

    async def send(self, *frames: Frame) -> None:
        """Raises GuestGone when the guest no longer reads."""
        rest = memoryview(b"".join(map(encode, frames)))
        while rest:
            try:
                rest = rest[self._body.channel.send(rest) :]
            except BlockingIOError:
                await self._until_writable()
            except OSError as error:
                raise GuestGone(str(error)) from error

    async def _until_writable(self) -> None:
        loop, channel = asyncio.get_running_loop(), self._body.channel.fileno()
        self._writable = loop.create_future()
        loop.add_writer(channel, self._let_write)
        try:
            await self._writable
        finally:
            self._writable = None
            if self._body.channel.fileno() == channel:
                loop.remove_writer(channel)

    def _let_write(self) -> None:
        if self._writable:
            settle(self._writable)

    def frames(self) -> AsyncIterator[Frame]:
        return self._sources

    def rest(self) -> tuple[Frame, ...]:
        return self._sources.rest()

    def ended(self, code: int | None, signal: int | None) -> None:
        """The runner has; what it said before is taken first."""
        self._sources.conclude(control("exited", code=code, signal=signal) if code is not None or signal else None)

    async def usage(self) -> Exit:
        if self._link.places:
            used = usage(self._link.places, self._body.group)
            self._told = not used.oom_kills
            return Exit(used.oom_kills > 0, used.cpu_ms, used.memory_peak)
        try:
            told = await self._link.ask("usage", group=self._body.group)
        except DriverFault:  # the launcher is gone and has taken everything with it
            return Exit()
        return Exit(told["oom"], told["cpu_ms"], told["peak"])

    async def kill(self) -> Exit:
        """Also when the caller is cancelled meanwhile: what was begun is finished."""
        if self._ending is None:
            self._ending = asyncio.ensure_future(self._end())
        return await asyncio.shield(self._ending)

    async def _end(self) -> Exit:
        """At once, not when the launcher comes to it; it then tells when nothing is left."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._body.pidfd, signal.SIGKILL)
        os.close(self._body.pidfd)
        try:
            told = await self._link.ask("end", group=self._body.group, told=self._told, hurry=not self._told)
        except DriverFault:  # the launcher is gone and has taken everything with it
            told = None
        self._let_write()
        self._sources.close() if self._told else self._sources.drain()
        if self._after:
            await self._after()
        return Exit(told["oom"], told["cpu_ms"], told["peak"]) if told and not self._told else Exit()
