"""Speaking to git servers: to the address that was looked at, in the name that was asked for."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.remotes import GitServer
from triform.source import remote
from triform.source.errors import SourceNotFetched, SourceUnreachable
from triform.source.hosts import Hosts
from triform.source.remote import Remote

LIMIT = 1 << 20


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Of git.test, and trusted here."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("git.test")]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    place = tmp_path / "git.test.pem"
    place.write_bytes(made.public_bytes(pem) + private)
    monkeypatch.setenv("SSL_CERT_FILE", str(place))
    remote._authorities.cache_clear()
    yield place
    remote._authorities.cache_clear()


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """git.test and other.test are here, for whoever asks the loop; the system knows neither."""
    system = asyncio.BaseEventLoop.getaddrinfo

    async def getaddrinfo(self: Any, host: Any, port: Any, **options: Any) -> Any:
        if host not in ("git.test", "other.test"):
            assert ipaddress.ip_address(host), f"{host} is looked up, and not by us"
            return await system(self, host, port, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)


def serving(root: Path, certificate: Path | None = None) -> GitServer:
    if certificate is None:
        return GitServer(root)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    return GitServer(root, tls)


def at(server: GitServer, url: str) -> Remote:
    return Remote.named(f"{url}:{server.port}/tax", Hosts(["git.test", "other.test"]), LIMIT)


@pytest.mark.usefixtures("named")
async def test_the_certificate_is_held_against_the_name_and_not_the_address(
    tmp_path: Path, certificate: Path
) -> None:
    with serving(tmp_path, certificate) as server:
        commit = server.repository().commit({"main.rb": "1"})
        assert await at(server, "https://git.test").find("main") == commit
        assert {headers["Host"] for headers in server.headers} == {f"git.test:{server.port}"}
        with pytest.raises(SourceUnreachable, match="certificate is not trusted"):
            await at(server, "https://other.test").find("main")


@pytest.mark.usefixtures("named")
async def test_a_certificate_of_nobody_is_not_trusted(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with serving(tmp_path, certificate) as server:
        with pytest.raises(SourceUnreachable, match="certificate is not trusted"):
            await at(server, "https://git.test").find(None)
        assert not server.asked


@pytest.mark.usefixtures("named")
async def test_a_redirect_from_https_to_http_is_not_followed(tmp_path: Path, certificate: Path) -> None:
    with serving(tmp_path, certificate) as secure, serving(tmp_path) as plain:
        target = f"http://git.test:{plain.port}/tax/info/refs?service=git-upload-pack"
        secure.instead["/tax/info/refs"] = lambda: (302, {"Location": target}, b"")
        with pytest.raises(SourceNotFetched) as refused:
            await at(secure, "https://git.test").find(None)
        assert refused.value.suggestion is not None
        assert refused.value.suggestion.code == "REDIRECT"
        assert not plain.asked


@pytest.mark.usefixtures("named")
async def test_proxies_and_credentials_of_the_server_itself_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (tmp_path / ".netrc").write_text("machine git.test login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving(tmp_path / "root") as server:
        commit = server.repository().commit({"main.rb": "1"})
        assert await at(server, "http://git.test").find(None) == commit
        assert not any("Authorization" in headers for headers in server.headers)


@pytest.mark.usefixtures("named")
async def test_an_address_that_does_not_answer_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def addresses(self: Hosts, host: str, port: int) -> list[str]:
        return ["127.0.0.99", "127.0.0.1"]

    monkeypatch.setattr(Hosts, "addresses", addresses)
    with serving(tmp_path) as server:
        commit = server.repository().commit({"main.rb": "1"})
        assert await at(server, "http://git.test").find("main") == commit


@pytest.mark.parametrize(
    "address",
    ["ssh://x.y/z", "file:///etc", "https://u:p@x.y/z", "https://x.y/z?a=b", "https://x.y:99999/z",
     "http:///z", "https://x.y/\x00", "/z", "ext::sh"],
)  # fmt: skip
def test_an_odd_address_is_refused_here_as_well(address: str) -> None:
    """Whatever the definitions let pass."""
    with pytest.raises(SourceNotFetched):
        Remote.named(address, Hosts(()), LIMIT)
