"""Which uid of the host a template runs as. Standard library only.

Root gives every live template a uid of its own, from a range that no system hands out. It is held by an
abstract socket bound to a name that says so: free again the moment its holder dies, seen by every launcher.
"""

import os
import secrets
import socket

from triform.substrates.isolation.drivers.process.launcher import files

FIRST, COUNT = 1_900_000_000, 200_000_000


class Uid:
    """A uid (and gid of the same number) taken until `release`."""

    def __init__(self, number: int, held: socket.socket | None = None) -> None:
        self.number = number
        self._held = held

    def release(self) -> None:
        if self._held:
            self._held.close()


def take() -> Uid:
    """As root a fresh uid, else the caller's own."""
    if os.geteuid():
        return Uid(os.geteuid())
    while True:
        number = FIRST + secrets.randbelow(COUNT)
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            held.bind(f"\0triform-uid-{number}")
        except OSError:
            held.close()
        else:
            return Uid(number, held)


def write_maps(pid: int, outside: Uid, inside: int) -> None:
    """Maps one uid and gid into the user namespace of a child that waits for it."""
    if os.geteuid():
        files.write(f"/proc/{pid}/setgroups", "deny")
    group = outside.number if os.geteuid() == 0 else os.getegid()
    files.write(f"/proc/{pid}/uid_map", f"{inside} {outside.number} 1")
    files.write(f"/proc/{pid}/gid_map", f"{inside} {group} 1")
