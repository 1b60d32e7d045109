"""The first words of a clone: who its processes are."""

import asyncio
import socket
from collections.abc import Collection, Mapping

from triform.substrates.isolation.channel import Decoder, parse_control
from triform.substrates.isolation.drivers.process import credentials
from triform.substrates.isolation.drivers.process.ears import Ears
from triform.substrates.isolation.interfaces import GuestGone, ProtocolViolation

_SMALL = 4096


class Birth:
    """Listens on a fresh channel until each of some messages has come, once, whoever is first. The channel has had
    credentials since before it was handed over; afterwards it has none."""

    def __init__(self, ears: Ears, channel: socket.socket, expected: Collection[str]) -> None:
        self._ears = ears
        self._channel = channel
        self._expected = expected
        self._decoder = Decoder(_SMALL)
        self._pids: dict[str, int] = {}
        self._complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def speakers(self) -> Mapping[str, int]:
        """By message, the host's number of the process that sent it. Raises GuestGone or ProtocolViolation."""
        line = self._channel.fileno()
        self._ears.once(line, self._hear)
        try:
            await self._complete
        finally:
            self._ears.forget(line)
            credentials.wanted(self._channel, False)
        return self._pids

    def _hear(self) -> None:
        try:
            while not self._complete.done():
                self._take(*credentials.received(self._channel, _SMALL))
        except BlockingIOError:
            self._ears.once(self._channel.fileno(), self._hear)
        except (GuestGone, ProtocolViolation, OSError) as error:
            self._complete.set_exception(error)

    def _take(self, received: bytes, ancillary: credentials.Ancillary) -> None:
        if not received:
            raise GuestGone("it ended")
        for frame in self._decoder.feed(received):
            said = parse_control(frame)["type"]
            if said in self._pids or said not in self._expected:
                raise ProtocolViolation(f"{said}, which is not expected")
            self._pids[said] = credentials.sender(ancillary)
        if len(self._pids) == len(self._expected):
            self._complete.set_result(None)
