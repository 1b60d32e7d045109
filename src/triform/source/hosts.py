"""Which addresses code may be fetched from: public ones, and hosts that a setting names.

A name is resolved here, once for each connection, and the connection goes to the address that was looked at: what
a name server answers a moment later changes nothing.
"""

import asyncio
import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from triform.errors import Suggestion
from triform.source.errors import SourceNotFetched, SourceUnreachable

_NOT_PUBLIC = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/3",
        "168.63.129.16/32",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip
"""IANA's special-purpose addresses, and the one public address that is a cloud's own; tunnels, which hide another
address. A table of our own: what Python calls global has changed between its releases."""
_UNICAST = ip_network("2000::/3")
"""All that IPv6 has for the world. Loopback, link-local and private addresses are outside."""
_NAT64 = ip_network("64:ff9b::/96")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is somebody's on the internet; an IPv4 address within an IPv6 one is looked at as such."""
    inner = _inner(address)
    if inner.version == 6 and inner not in _UNICAST:
        return False
    return not any(inner in network for network in _NOT_PUBLIC if network.version == inner.version)


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


class Hosts:
    """`allowed`: names, or `name:port`, that may have any address."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = frozenset(each.lower() for each in allowed)

    async def addresses(self, host: str, port: int) -> list[str]:
        """Where to connect to, in the system's order. Raises SourceNotFetched, SourceUnreachable."""
        try:
            told = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise _unknown(host) from None
        found = list(dict.fromkeys(str(each[4][0]) for each in told))
        known = bool(self._allowed & {host.lower(), f"{host.lower()}:{port}"})
        if not known and not all(is_public(ip_address(each.partition("%")[0])) for each in found):
            raise _refused(host)
        return found


def _unknown(host: str) -> SourceUnreachable:
    return SourceUnreachable(
        f"There is no host {host}, or its name cannot be looked up now.",
        suggestion=Suggestion(
            why="The name of the repository's host has no address.",
            fix="Correct source.repository, or deploy again later.",
            op="deploy",
        ),
    )


def _refused(host: str) -> SourceNotFetched:
    """The address itself is not told: it may be nobody's business."""
    return SourceNotFetched(
        f"Nothing is fetched from {host}: its address is not a public one.",
        suggestion=Suggestion(
            code="ADDRESS_NOT_PUBLIC",
            why="Loopback, private, link-local and reserved addresses are this server's own surroundings.",
            fix="Use a repository with a public address; or whoever runs this server names the host in "
            "TRIFORM_GIT_HOSTS.",
        ),
    )
