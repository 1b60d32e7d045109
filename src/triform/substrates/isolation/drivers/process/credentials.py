"""Who wrote to a unix socket, as the kernel says: numbers of the host, whatever namespace the writer is in."""

import array
import os
import socket
import struct

from triform.substrates.isolation.interfaces import ProtocolViolation

_CREDENTIALS = struct.Struct("iII")
SPACE = socket.CMSG_SPACE(_CREDENTIALS.size)
"""Room for them in a `recvmsg`."""

Ancillary = list[tuple[int, int, bytes]]


def wanted(line: socket.socket, wanted: bool = True) -> None:
    """Whether what is received on this socket comes with them."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, int(wanted))


def received(line: socket.socket, most: int) -> tuple[bytes, Ancillary]:
    """What is there, and what came along. Descriptors are nothing a guest has to give: they are closed."""
    data, ancillary, _, _ = line.recvmsg(most, SPACE)
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            for descriptor in array.array("i", content[: len(content) // 4 * 4]):
                os.close(descriptor)
    return data, ancillary


def sender(ancillary: Ancillary) -> int:
    """Raises ProtocolViolation when there are none."""
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            pid: int = _CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0]
            return pid
    raise ProtocolViolation("a message without credentials")
