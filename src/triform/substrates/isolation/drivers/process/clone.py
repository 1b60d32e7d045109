"""From a template to a clone that is ready: descriptors, a group of its own, and a look from outside.

clone + 3 descriptors →        the harness begins a pid namespace and forks; `thaw` follows into the channel
← born                         from the first process there; pids by credentials
← ready                        from the runner, once it has confined itself and knows who it is
                               looked at: nothing left to give up? bounded by the launcher
"""

import asyncio
import os
import socket
from dataclasses import dataclass

from triform.substrates.isolation.channel import control, encode
from triform.substrates.isolation.drivers.process import credentials
from triform.substrates.isolation.drivers.process.birth import Birth
from triform.substrates.isolation.drivers.process.instance import Body
from triform.substrates.isolation.drivers.process.link import Link
from triform.substrates.isolation.drivers.process.newborn import alone, confined, leads
from triform.substrates.isolation.drivers.process.procfs import children, statuses
from triform.substrates.isolation.drivers.process.template import ProcessTemplate
from triform.substrates.isolation.interfaces import DriverFault, Frame, GuestGone, ProtocolViolation, StillBorn

READY_S = 10.0


@dataclass(slots=True)
class Ends:
    """The host's ends while the clone is made."""

    channel: socket.socket
    stdout: int
    stderr: int

    def close(self) -> None:
        self.channel.close()
        os.close(self.stdout)
        os.close(self.stderr)


async def make_clone(template: ProcessTemplate, link: Link, number: int, thaw: Frame) -> Body:
    """A confined, bounded, waiting child of the template. Raises DriverFault; nothing of it is left then."""
    async with template.turn:
        before = children(template.pid)
        ends = _hand_over(template, number)
        try:
            ends.channel.sendall(encode(thaw))
            async with asyncio.timeout(READY_S):
                return await _bring_up(template, link, ends, before)
        except (GuestGone, ProtocolViolation, ConnectionError) as gone:  # reset: it ended, and left words unread
            ends.close()
            raise StillBorn(f"a clone did not become ready: {gone}") from gone
        except (TimeoutError, OSError) as error:
            ends.close()
            raise DriverFault(f"a clone did not become ready: {error or 'too slow'}") from error
        except BaseException:
            ends.close()
            raise


def _hand_over(template: ProcessTemplate, number: int) -> Ends:
    ours, theirs = socket.socketpair()
    out, err = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
    ends = Ends(ours, out[0], err[0])
    ours.setblocking(False)
    credentials.wanted(ours)
    os.set_blocking(out[0], False)
    os.set_blocking(err[0], False)
    try:
        template.conversation.hand_over(control("clone", clone=number), (theirs.fileno(), out[1], err[1]))
    except GuestGone as error:
        ends.close()
        raise StillBorn(f"the template is gone: {error}") from error
    finally:
        theirs.close()
        os.close(out[1])
        os.close(err[1])
    return ends


async def _bring_up(template: ProcessTemplate, link: Link, ends: Ends, before: frozenset[int]) -> Body:
    said = await Birth(link.ears, ends.channel, ("born", "ready") if template.forks else ("ready",)).speakers()
    runner, first = said["ready"], said.get("born", template.first)
    threads = statuses(runner)
    if not (confined(runner, threads) and leads(first)):
        raise StillBorn("a clone kept privileges it should have given up")
    if template.forks and not alone(first, threads, template.pid, before):
        raise StillBorn("a clone made processes before it gave up its privileges")
    bound = await link.ask("bound", template=template.name, harness=template.pid, first=first, runner=runner)
    return Body(ends.channel, ends.stdout, ends.stderr, bound.descriptors[0], bound["group"])
