"""One keep-alive connection that sends the same request again and again, as cheaply as a client can.

What a client library costs is not what is measured here.
"""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit


class Connection:
    """`request` is the whole HTTP/1.1 message; every answer has a Content-Length."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        self._reader = reader
        self._writer = writer
        self._request = request

    @classmethod
    async def open(cls, url: str, path: str, token: str, body: Any) -> "Connection":
        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        payload = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
        )
        return cls(reader, writer, head.encode() + payload)

    async def again(self) -> Any:
        """The answer's JSON. Raises RuntimeError for anything but 200."""
        self._writer.write(self._request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        told = await self._reader.readexactly(length)
        if " 200 " not in head.partition("\r\n")[0]:
            raise RuntimeError(f"{head.partition(chr(13))[0]}: {told!r}")
        return json.loads(told)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()
