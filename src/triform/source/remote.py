"""A repository elsewhere, over git's smart HTTP: where a reference stands, and the pack of one commit.

No git is started for it: neither an address nor a reference ever comes near a command line. What is sent back is a
file, for a git that has no network. Redirects are followed for the first request only, as git does, each to a host
that is looked at anew; nothing that the server of this platform is configured with (proxies, .netrc) is used.
"""

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx2

from triform.source import packets, refusals
from triform.source.hosts import Hosts
from triform.source.packets import Advertised, Packets, Unbanded, is_commit
from triform.source.pktline import Malformed

_SERVICE = "git-upload-pack"
_FIRST = "/info/refs"
_PATIENCE = httpx2.Timeout(30.0, connect=10.0)
_HOPS = 3
_MOST_TOLD = 16 << 20
"""Bytes of references."""
_MOVED = frozenset({301, 302, 303, 307, 308})
_HEADERS: Mapping[str, str] = {
    "User-Agent": "git/2.0 (triform)",
    "Accept-Encoding": "identity",
    "Git-Protocol": "version=2",
}


@dataclass(slots=True)
class Remote:
    """`url` is as it was named; `limit` the most bytes of a pack."""

    url: httpx2.URL
    hosts: Hosts
    limit: int
    _server: Advertised = field(init=False)

    @classmethod
    def named(cls, repository: str, hosts: Hosts, limit: int) -> "Remote":
        """Raises SourceNotFetched for what is no plain http(s) address."""
        return cls(_plain(repository), hosts, limit)

    async def find(self, ref: str | None) -> str:
        """The commit of a branch or tag, or the one that is named itself. Raises as `pack`."""
        with refusals.translated(self.url.host):
            self._server = await self._advertised()
            if self._server.by_sha256:
                raise refusals.sha256(self.url.host)
            if ref is not None and is_commit(ref):
                return ref
            names = _names(ref)
            refs = await self._listed(names) if self._server.version == 2 else self._server.refs
        found = next((refs[name] for name in names if name in refs), None)
        if found is None:
            raise refusals.no_such_ref(self.url.host, ref)
        return found

    async def pack(self, commit: str, into: Path) -> None:
        """Writes the pack of a commit with its files. Raises SourceNotFetched, SourceUnreachable."""
        taken, pack = 0, Unbanded()
        with refusals.translated(self.url.host), into.open("wb") as file:
            async with aclosing(self._asked(packets.asking_pack(self._server, commit))) as chunks:
                async for chunk in chunks:
                    for piece in pack.feed(chunk):
                        taken += len(piece)
                        if taken > self.limit:
                            raise refusals.too_large(self.url.host, self.limit)
                        file.write(piece)
            if not pack.ended:
                raise Malformed("the pack is cut short")

    async def _advertised(self) -> Advertised:
        """From here on, `url` is the repository's own address, wherever redirects led."""
        asked = self.url.copy_with(path=self.url.path.rstrip("/") + _FIRST, query=f"service={_SERVICE}".encode())
        for _ in range(_HOPS + 1):
            async with self._sent("GET", asked) as response:
                if response.status_code in _MOVED:
                    asked = self._moved(asked, response)
                    continue
                refusals.for_status(self.url.host, response.status_code)
                if response.headers.get("Content-Type", "") != f"application/x-{_SERVICE}-advertisement":
                    raise refusals.no_repository(self.url.host)
                self.url = asked.copy_with(path=asked.path.removesuffix(_FIRST), query=None)
                return packets.advertised(await _all_of(response.aiter_raw()))
        raise refusals.in_circles(self.url.host)

    async def _listed(self, names: Sequence[str]) -> dict[str, str]:
        async with aclosing(self._asked(packets.asking_refs(names))) as chunks:
            return packets.listed(await _all_of(chunks))

    async def _asked(self, body: bytes) -> AsyncGenerator[bytes, None]:
        url = self.url.copy_with(path=f"{self.url.path}/{_SERVICE}")
        headers = {"Content-Type": f"application/x-{_SERVICE}-request"}
        async with self._sent("POST", url, headers, body) as response:
            refusals.for_status(self.url.host, response.status_code)
            async for chunk in response.aiter_raw():
                yield chunk

    @asynccontextmanager
    async def _sent(
        self, verb: str, url: httpx2.URL, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> AsyncIterator[httpx2.Response]:
        """Sent to an address that was looked at; the certificate is held against the name all the same."""
        port = url.port or (443 if url.scheme == "https" else 80)
        addresses = await self.hosts.addresses(url.host, port)
        told = {**_HEADERS, **(headers or {}), "Host": url.netloc.decode("ascii")}
        transport = httpx2.AsyncHTTPTransport(verify=_authorities())
        async with httpx2.AsyncClient(transport=transport, timeout=_PATIENCE, trust_env=False) as client:
            for number, address in enumerate(addresses, 1):
                request = client.build_request(
                    verb, url.copy_with(host=address), headers=told, content=body,
                    extensions={"sni_hostname": url.host},
                )  # fmt: skip
                try:
                    response = await client.send(request, stream=True)
                except (httpx2.ConnectError, httpx2.ConnectTimeout):
                    if number == len(addresses):
                        raise
                    continue
                try:
                    yield response
                finally:
                    await response.aclose()
                return

    def _moved(self, asked: httpx2.URL, response: httpx2.Response) -> httpx2.URL:
        """Only to what is, by its form, the same of another repository; never from https to http."""
        try:
            target = _plain(str(asked.join(response.headers.get("Location", ""))), redirected=True)
        except httpx2.InvalidURL:
            raise refusals.odd_redirect(asked.host) from None
        if not target.path.endswith(_FIRST) or (asked.scheme, target.scheme) == ("https", "http"):
            raise refusals.odd_redirect(asked.host)
        return target


def _plain(text: str, *, redirected: bool = False) -> httpx2.URL:
    """An address without credentials, and without anything behind its path."""
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        raise refusals.odd_address() from None
    query = url.query not in ((b"", f"service={_SERVICE}".encode()) if redirected else (b"",))
    named = url.host and 0 < (url.port or 80) < 1 << 16 and not url.userinfo
    if url.scheme not in ("http", "https") or not named or query or url.fragment:
        raise refusals.odd_address()
    return url


def _names(ref: str | None) -> tuple[str, ...]:
    """What a reference may be called in full; a branch goes before a tag."""
    if ref is None:
        return ("HEAD",)
    return (ref,) if ref == "HEAD" or ref.startswith("refs/") else (f"refs/heads/{ref}", f"refs/tags/{ref}")


async def _all_of(chunks: AsyncIterator[bytes]) -> list[bytes | None]:
    taken, found, cut = 0, list[bytes | None](), Packets()
    async for chunk in chunks:
        taken += len(chunk)
        if taken > _MOST_TOLD:
            raise Malformed("there are too many references")
        found += cut.feed(chunk)
    return found


@cache
def _authorities() -> ssl.SSLContext:
    """Those of this machine, or of SSL_CERT_FILE."""
    return httpx2.create_ssl_context()
