"""The server's end of the line to the launcher: starts it, asks it, hears what it says unasked."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

import triform
from triform.substrates.isolation.drivers.process.ears import Ears
from triform.substrates.isolation.drivers.process.waiting import settle
from triform.substrates.isolation.interfaces import DriverFault

_LARGEST = 1 << 17
_HELD_S, _MOST_HELD = 0.002, 64
_BOOT = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from triform.substrates.isolation.drivers.process.launcher.main import main; main(*map(int, sys.argv[2:]))"
)
"""Isolated and without site: none of the server's packages is ever loaded into the launcher."""

Gone = Callable[[Mapping[str, Any]], None]
"""Takes {"gone", "code", "signal", "oom"} when a template's first process has ended; also {"launcher"} when it did
because the launcher has."""


class Answer(dict[str, Any]):
    """The members of an answer; `descriptors` came with it and belong to the caller."""

    descriptors: list[int]


class Link:
    """One launcher, running between `start` and `stop`, as the user `uid` if given (root may choose). Every
    failure is a DriverFault."""

    def __init__(self, uid: int | None = None) -> None:
        self._uid = uid
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._gone: dict[str, Gone] = {}
        self._number = 0
        self._held: list[dict[str, Any]] = []
        self.places: Mapping[str, str] = {}
        """Where the groups' figures can be read; empty: the launcher has to be asked."""
        self._room = asyncio.Lock()
        self._ears: Ears | None = None

    @property
    def ears(self) -> Ears:
        """For what the sandboxes say; from the first start to the stop, also over a launcher that dies."""
        if self._ears is None:
            raise DriverFault("the launcher was never started")
        return self._ears

    @property
    def up(self) -> bool:
        return self._socket is not None

    @property
    def pid(self) -> int | None:
        """The launcher's process."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        if self._socket:
            return
        await self._wait_for_process()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = _launch(theirs.fileno(), self._uid)
        ours.setblocking(False)
        self._socket = ours
        self._ears = self._ears or Ears()
        asyncio.get_running_loop().add_reader(ours.fileno(), self._hear)

    async def stop(self) -> None:
        """The launcher kills every sandbox, removes its groups and ends."""
        self._hang_up()
        ears, self._ears = self._ears, None
        if ears:
            ears.close()
        await self._wait_for_process()

    async def _wait_for_process(self) -> None:
        process, self._process = self._process, None
        if process:
            await asyncio.to_thread(process.wait)

    def on_gone(self, template: str, told: Gone) -> None:
        self._gone[template] = told

    async def ask(self, do: str, descriptors: Sequence[int] = (), *, hurry: bool = True, **members: Any) -> Answer:
        """The launcher's answer. Raises DriverFault with its words when it refuses or is gone. Without `hurry` the
        request may go along with another one, a moment later: each message wakes the launcher up."""
        self._number += 1
        number = self._number
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        request = {"id": number, "do": do, **members}
        try:
            if hurry:
                await self._send(request, descriptors)
            else:
                self._hold(request)
            return await answer
        finally:
            self._waiting.pop(number, None)

    def _hold(self, request: dict[str, Any]) -> None:
        if self._socket is None:
            raise DriverFault("the launcher is not running")
        self._held.append(request)
        if len(self._held) == 1:
            asyncio.get_running_loop().call_later(_HELD_S, self._let_go)
        elif len(self._held) >= _MOST_HELD:
            self._let_go()

    def _let_go(self) -> None:
        if self._held and self._socket:
            try:
                self._put(self._held, ())
            except BlockingIOError:
                asyncio.get_running_loop().call_later(_HELD_S, self._let_go)
            except DriverFault:
                pass  # whoever waits hears it when the line is hung up

    async def _send(self, request: dict[str, Any], descriptors: Sequence[int]) -> None:
        while True:
            try:
                return self._put([*self._held, request], descriptors)
            except BlockingIOError:
                await self._until_writable(self._socket)

    def _put(self, requests: Sequence[dict[str, Any]], descriptors: Sequence[int]) -> None:
        """What was held goes first. Raises BlockingIOError when there is no room."""
        if self._socket is None:
            raise DriverFault("the launcher is not running")
        try:
            socket.send_fds(self._socket, [msgspec.json.encode(requests)], list(descriptors))
        except BlockingIOError:
            raise
        except OSError as error:
            raise DriverFault(f"the launcher does not listen: {error}") from error
        self._held.clear()

    async def _until_writable(self, line: socket.socket | None) -> None:
        if line is None:
            return
        loop = asyncio.get_running_loop()
        async with self._room:
            writable = loop.create_future()
            loop.add_writer(line.fileno(), settle, writable)
            try:
                await writable
            finally:
                loop.remove_writer(line.fileno())

    def _hear(self) -> None:
        while self._socket:
            try:
                message, descriptors, _, _ = socket.recv_fds(self._socket, _LARGEST, 8)
            except BlockingIOError:
                return
            except OSError:
                message, descriptors = b"", []
            if not message:
                return self._hang_up()
            *others, last = msgspec.json.decode(message)
            for other in others:
                self._take(other, [])
            self._take(last, descriptors)

    def _take(self, message: dict[str, Any], descriptors: list[int]) -> None:
        if "gone" in message:
            told = self._gone.pop(message["gone"], None)
            return told(message) if told else None
        waiting = self._waiting.pop(message["id"], None)
        if waiting is None or waiting.done():
            for descriptor in descriptors:
                os.close(descriptor)
        elif "error" in message:
            waiting.set_exception(DriverFault(message["error"]))
        else:
            answer = Answer(message)
            answer.descriptors = descriptors
            waiting.set_result(answer)

    def _hang_up(self) -> None:
        if self._socket is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop may be closed already
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
        self._socket = None
        self._held.clear()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(DriverFault("the launcher is gone"))
        gone, self._gone = self._gone, {}
        for template, told in gone.items():
            told({"gone": template, "code": 0, "signal": 9, "oom": False, "launcher": "gone"})


def _launch(descriptor: int, uid: int | None) -> subprocess.Popen[bytes]:
    """A session of its own: a Ctrl-C in the server's terminal must not reach sandboxes that still work."""
    arguments = [str(descriptor)] if uid is None else [str(descriptor), str(uid)]
    source = Path(triform.__file__).parent.parent
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _BOOT, str(source), *arguments],
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        env={},
    )
