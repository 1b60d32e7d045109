"""The launcher: a small process beside the server that makes sandboxes and bounds them.

It is started before anything is threaded, imports little, and never handles what a guest says. It takes
requests as JSON on a SOCK_SEQPACKET socket, a list in each message, and answers by number, in the same way;
descriptors belong to the last of a list:

    {"id": 7, "do": "spawn", "template": "3", "plan": {…}} + control, stdout, stderr
                                                   → {"id": 7, "pid": 812, "uid": 1900000017}
    {"id": 8, "do": "bound", "template": "3", "harness": 813, "first": 840, "runner": 841}
                                                            → {"id": 8, "group": "3.r1"} + a pidfd of the first
    {"id": 8, "do": "members", "template": "3"}             → {"id": 8, "pids": [813], "oom": false}
    {"id": 8, "do": "usage", "group": "3.r1"}               → {"id": 8, "oom": false, "cpu_ms": …, "peak": …}
    {"id": 9, "do": "end", "group": "3.r1", "told": false}  → {"id": 9, "oom": false, "cpu_ms": …, "peak": …} once
                                                              nothing of it is left; `told`: without the figures
    {"id": 10, "do": "discard", "template": "3"}            → {"id": 10} once nothing of it is left
    {"id": 11, "do": "about"}                               → {"id": 11, "root": true, "controllers": […],
                                                               "places": {…}}
    unasked:                                                  {"gone": "3", "code": 0, "signal": 9, "oom": false}

A request that fails is answered {"id", "error"}. When the server's end closes, for whatever reason, every
sandbox is killed, its groups are removed, and the launcher ends.
"""

import array
import contextlib
import json
import os
import select
import socket
from collections.abc import Sequence
from typing import Any

from triform.substrates.isolation.drivers.process.launcher import kernel
from triform.substrates.isolation.drivers.process.launcher.hierarchy import choose
from triform.substrates.isolation.drivers.process.launcher.warden import Refused, Warden, ignore_terminal_signals

LARGEST = 1 << 17
"""Bytes of one message."""

_LOOK_S = 0.025
_TOGETHER = 64


def main(descriptor: int, uid: int | None = None) -> None:
    """Serves requests on the socket until its other end closes; as another user than it was started as if
    `uid` is given."""
    ignore_terminal_signals()
    if uid is not None:
        kernel.become(uid)
    with socket.socket(fileno=descriptor) as server:
        Launcher(server).serve()


class Launcher:
    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._poll = select.epoll()
        self._warden = Warden(choose(), self._poll)
        self._poll.register(server.fileno(), select.EPOLLIN)
        self._answers: list[dict[str, Any]] = []

    def serve(self) -> None:
        try:
            while self._turn():
                pass
        finally:
            self._warden.close()

    def _turn(self) -> bool:
        """One round of whatever has happened; False when the server is gone."""
        ready = self._poll.poll(_LOOK_S if self._warden.restless else None)
        for descriptor, _ in ready:
            if descriptor == self._server.fileno():
                if not self._take():
                    return False
            else:
                self._warden.heard(descriptor)
        self._warden.tidy()
        self._answers += self._warden.news()
        self._say()
        return True

    def _take(self) -> bool:
        try:
            message, passed, _, _ = socket.recv_fds(self._server, LARGEST, 8)
        except ConnectionResetError:
            return False
        if message:
            *others, last = json.loads(message)
            for other in others:
                self._answer(other, [])
            self._answer(last, passed)
        return bool(message)

    def _answer(self, request: dict[str, Any], passed: list[int]) -> None:
        number = request["id"]
        try:
            answer, descriptors = self._warden.carry_out(request, passed)
        except (OSError, Refused, KeyError, TypeError, ValueError) as error:
            answer, descriptors = {"error": f"{request.get('do')}: {error}"}, []
        finally:
            for descriptor in passed:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        if answer is not None:
            self._answers.append({"id": number, **answer})
        if descriptors:
            self._say(descriptors)

    def _say(self, passed: Sequence[int] = ()) -> None:
        """The answers there are, in one message if they fit; descriptors belong to the last of them."""
        while len(self._answers) > _TOGETHER:
            self._send(self._answers[:_TOGETHER], ())
            del self._answers[:_TOGETHER]
        if self._answers:
            self._send(self._answers, passed)
            self._answers.clear()

    def _send(self, answers: list[dict[str, Any]], passed: Sequence[int]) -> None:
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", passed))] if passed else []
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._server.sendmsg([json.dumps(answers).encode()], ancillary)
        for descriptor in passed:
            os.close(descriptor)
