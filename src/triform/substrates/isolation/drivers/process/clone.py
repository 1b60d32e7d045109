"""From a template to a clone that is ready: descriptors, a group of its own, and a look from outside.

clone + 3 descriptors →        the harness forks
← born (pid by credentials)    the launcher bounds it
go →                           it confines itself
← ready                        looked at: nothing left to give up?
"""

import asyncio
import os
import socket
import struct
from dataclasses import dataclass

from triform.substrates.isolation.channel import Decoder, control, encode, parse_control
from triform.substrates.isolation.drivers.process.audit import confined
from triform.substrates.isolation.drivers.process.instance import Body, kill_and_wait
from triform.substrates.isolation.drivers.process.link import Link
from triform.substrates.isolation.drivers.process.template import ProcessTemplate
from triform.substrates.isolation.drivers.process.waiting import settle
from triform.substrates.isolation.interfaces import DriverFault, GuestGone, ProtocolViolation

READY_S = 10.0
_CREDENTIALS = struct.Struct("iII")
_SMALL = 4096


@dataclass(slots=True)
class Ends:
    """The host's ends while the clone is made."""

    channel: socket.socket
    stdout: int
    stderr: int
    decoder: Decoder

    def close(self) -> None:
        self.channel.close()
        os.close(self.stdout)
        os.close(self.stderr)


async def make_clone(template: ProcessTemplate, link: Link, number: int) -> Body:
    """A confined, bounded, waiting child of the template. Raises DriverFault; nothing of it is left then."""
    async with template.turn:
        ends = _hand_over(template, number)
        try:
            async with asyncio.timeout(READY_S):
                return await _bring_up(template, link, ends)
        except (TimeoutError, GuestGone, ProtocolViolation, OSError) as error:
            ends.close()
            raise DriverFault(f"a clone did not become ready: {error or 'too slow'}") from error
        except BaseException:
            ends.close()
            raise


def _hand_over(template: ProcessTemplate, number: int) -> Ends:
    ours, theirs = socket.socketpair()
    out, err = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
    ends = Ends(ours, out[0], err[0], Decoder(_SMALL))
    ours.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    os.set_blocking(out[0], False)
    os.set_blocking(err[0], False)
    try:
        template.conversation.hand_over(control("clone", clone=number), (theirs.fileno(), out[1], err[1]))
    except GuestGone as error:
        ends.close()
        raise DriverFault(f"the template is gone: {error}") from error
    finally:
        theirs.close()
        os.close(out[1])
        os.close(err[1])
    return ends


async def _bring_up(template: ProcessTemplate, link: Link, ends: Ends) -> Body:
    first = await _expect(ends, "born")
    bound = await link.ask("bound", template=template.name, pid=first)
    (pidfd,) = bound.descriptors
    try:
        ends.channel.send(encode(control("go")))
        runner = await _expect(ends, "ready")
        _insist_confined(first, runner)
    except BaseException:
        await asyncio.shield(_undo(link, pidfd, bound["group"]))
        raise
    ends.channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
    return Body(ends.channel, ends.stdout, ends.stderr, pidfd, bound["group"])


def _insist_confined(*pids: int) -> None:
    if not all(map(confined, pids)):
        raise DriverFault("a clone kept privileges it should have given up")


async def _undo(link: Link, pidfd: int, group: str) -> None:
    await kill_and_wait(pidfd)
    await link.ask("end", group=group)


async def _expect(ends: Ends, kind: str) -> int:
    """Waits for one message; the host's number of the process that sent it, as the kernel says."""
    while True:
        await _readable(ends.channel)
        received, ancillary, _, _ = ends.channel.recvmsg(_SMALL, socket.CMSG_SPACE(_CREDENTIALS.size))
        if not received:
            raise GuestGone("it ended")
        frames = ends.decoder.feed(received)
        if len(frames) > 1 or (frames and parse_control(frames[0])["type"] != kind):
            raise ProtocolViolation(f"something else than {kind}")
        if frames:
            return _sender(ancillary)


def _sender(ancillary: list[tuple[int, int, bytes]]) -> int:
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            pid: int = _CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0]
            return pid
    raise ProtocolViolation("a message without credentials")


async def _readable(channel: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    something: asyncio.Future[None] = loop.create_future()
    loop.add_reader(channel.fileno(), settle, something)
    try:
        await something
    finally:
        loop.remove_reader(channel.fileno())
