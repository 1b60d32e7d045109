"""Which addresses are fetched from."""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triform.source.errors import SourceNotFetched, SourceUnreachable
from triform.source.hosts import Hosts, is_public

NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254",
    "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1",
    "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255",
    "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_the_surroundings_of_a_server_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_the_rest_of_the_internet_is(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_is_what_it_is_in_whatever_form_it_hides(address: IPv4Address) -> None:
    for hidden in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert is_public(IPv6Address(hidden)) == is_public(address)


@given(st.ip_addresses())
def test_nothing_is_public_that_python_knows_to_be_somebodys_own(address: IPv4Address | IPv6Address) -> None:
    inner = (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address
    if inner.is_loopback or inner.is_link_local or inner.is_multicast or inner.is_unspecified or inner.is_private:
        assert not is_public(address)


def answering(monkeypatch: pytest.MonkeyPatch, *answers: Sequence[str]) -> list[str]:
    """A name server that says something else each time; what it was asked."""
    asked: list[str] = []
    left = list(answers)

    async def getaddrinfo(self: object, host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in left.pop(0)]

    monkeypatch.setattr(asyncio.get_running_loop().__class__, "getaddrinfo", getaddrinfo)
    return asked


async def test_a_name_is_looked_up_once_and_the_answer_is_where_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, ["1.1.1.1"], ["127.0.0.1"])
    assert await Hosts(()).addresses("rebound.test", 443) == ["1.1.1.1"]
    assert asked == ["rebound.test"]


async def test_one_address_that_is_not_public_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, ["1.1.1.1", "10.0.0.1"])
    with pytest.raises(SourceNotFetched) as refused:
        await Hosts(()).addresses("both.test", 443)
    assert "10.0.0.1" not in refused.value.message
    assert refused.value.suggestion is not None
    assert refused.value.suggestion.code == "ADDRESS_NOT_PUBLIC"


async def test_a_link_local_address_with_its_zone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, ["fe80::1%eth0"])
    with pytest.raises(SourceNotFetched):
        await Hosts(()).addresses("local.test", 443)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "::1", "::ffff:7f00:1"],
)
async def test_however_loopback_is_written(host: str) -> None:
    """The system's own resolver reads more forms of an address than people do."""
    with pytest.raises((SourceNotFetched, SourceUnreachable)):
        await Hosts(()).addresses(host, 80)


@pytest.mark.parametrize("allowed", ["localhost", "LocalHost", "localhost:8080"])
async def test_a_host_that_is_allowed_may_have_any_address(allowed: str) -> None:
    assert {*await Hosts([allowed]).addresses("LOCALHOST", 8080)} <= {"127.0.0.1", "::1"}


async def test_allowing_one_port_allows_no_other() -> None:
    with pytest.raises(SourceNotFetched):
        await Hosts(["localhost:8080"]).addresses("localhost", 5432)


async def test_a_name_nobody_has_may_be_tried_again() -> None:
    with pytest.raises(SourceUnreachable):
        await Hosts(()).addresses("nobody.invalid", 443)
