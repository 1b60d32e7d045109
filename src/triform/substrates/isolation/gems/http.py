"""A gem source over HTTP: the compact index, as RubyGems.org and its mirrors serve it.

Credentials of its URL become a header of requests to that very host. Nothing is asked of any other: redirects
that lead elsewhere are refused.
"""

import ssl
from collections.abc import Callable
from functools import cache
from typing import BinaryIO
from urllib.parse import quote, unquote, urlsplit

import httpx2

from triform.substrates.isolation.gems.errors import SourceTrouble

_INFO_LIMIT = 32 << 20
_FILE_LIMIT = 512 << 20
_PATIENCE = httpx2.Timeout(30.0, connect=10.0)
_HOPS = 3
_Take = Callable[[bytes], object]
_INDEX_OF_PUBLIC = ("rubygems.org", "index.rubygems.org")
"""The public source keeps its index at a host of its own, as Bundler knows, too."""


class HttpSource:
    """`url` may hold credentials; `shown` does not."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        place = host + (f":{parts.port}" if parts.port else "")
        self.shown = f"{parts.scheme}://{place}{parts.path.rstrip('/')}"
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        self._auth = httpx2.BasicAuth(user, password) if user or password else None
        public, index = _INDEX_OF_PUBLIC
        self._index = self.shown.replace(public, index, 1) if parts.hostname == public else self.shown

    async def info(self, name: str) -> str:
        body = bytearray()

        def take(piece: bytes) -> None:
            body.extend(piece)

        found = await self._get(f"{self._index}/info/{quote(name, safe='')}", take, _INFO_LIMIT)
        return body.decode(errors="replace") if found else ""

    async def fetch(self, file: str, into: BinaryIO) -> None:
        if not await self._get(f"{self.shown}/gems/{quote(file, safe='')}", into.write, _FILE_LIMIT):
            raise SourceTrouble(
                f"The gem source {self.shown} lists {file} but does not have it.",
                "Try another version of that gem, or mend the mirror.",
            )

    async def _get(self, url: str, take: _Take, limit: int) -> bool:
        """Whether there is such a thing. Raises SourceTrouble."""
        try:
            async with httpx2.AsyncClient(timeout=_PATIENCE, auth=self._auth, verify=_certificates()) as client:
                return await self._follow(client, url, take, limit)
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise SourceTrouble(
                f"The gem source {self.shown} cannot be reached: {_kind(error)}.",
                "Deploy again once it can; TRIFORM_GEM_SOURCE names the source.",
                passing=True,
            ) from None  # the error may quote what was sent

    async def _follow(self, client: httpx2.AsyncClient, url: str, take: _Take, limit: int) -> bool:
        for _ in range(_HOPS + 1):
            async with client.stream("GET", url) as response:
                if not response.is_redirect:
                    return await self._take(response, take, limit)
                url = self._same_host(response)
        raise SourceTrouble(
            f"The gem source {self.shown} redirects in circles.", "Name another TRIFORM_GEM_SOURCE."
        )

    def _same_host(self, response: httpx2.Response) -> str:
        target = response.url.join(response.headers.get("Location", ""))
        if (target.scheme, target.netloc) != (response.url.scheme, response.url.netloc):
            raise SourceTrouble(
                f"The gem source {self.shown} redirects to another host, {target.host}.",
                "Name the host that has the gems in TRIFORM_GEM_SOURCE; no other one is asked.",
            )
        return str(target)

    async def _take(self, response: httpx2.Response, take: _Take, limit: int) -> bool:
        if response.status_code in (404, 410):
            return False
        if response.status_code != 200:
            raise self._refused(response.status_code)
        taken = 0
        async for piece in response.aiter_bytes():
            taken += len(piece)
            if taken > limit:
                raise SourceTrouble(
                    f"The gem source {self.shown} sends more than {limit} bytes.", "Use another gem."
                )
            take(piece)
        return True

    def _refused(self, status: int) -> SourceTrouble:
        if status in (401, 403, 407):
            return SourceTrouble(
                f"The gem source {self.shown} does not let us in ({status}).",
                "Whoever runs this server must correct the credentials in TRIFORM_GEM_SOURCE.",
            )
        return SourceTrouble(
            f"The gem source {self.shown} answers {status}.",
            "Deploy again later; if it stays, another TRIFORM_GEM_SOURCE is needed.",
            passing=status >= 500 or status == 429,
        )


@cache
def _certificates() -> ssl.SSLContext:
    """Of the authorities this machine trusts. Reading them takes a twentieth of a second: once."""
    return httpx2.create_ssl_context()


def _kind(error: Exception) -> str:
    return "it takes too long" if isinstance(error, httpx2.TimeoutException) else "the connection fails"
