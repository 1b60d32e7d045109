"""The body of a git request, to a file: bounded, inflated where it came compressed, no pause without end."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from triform.api.body import BodyTooLarge, MalformedBody

_PAUSE_S = 60.0
_SLACK = 4
"""So many times the limit is read and thrown away, so that the client gets to read why."""


async def spooled(receive: Receive, place: Path, limit: int, *, gzip: bool) -> bool:
    """Writes the body down; False when it is larger than `limit`. Raises BodyTooLarge for one without end."""
    size = 0
    with place.open("wb") as file:
        async for piece in _inflated(_pieces(receive)) if gzip else _pieces(receive):
            size += len(piece)
            if size <= limit:
                file.write(piece)
            elif size > _SLACK * limit:
                raise BodyTooLarge(f"The body is larger than {limit} bytes.", facts={"limit_bytes": limit})
    return size <= limit


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        try:
            async with asyncio.timeout(_PAUSE_S):
                message = await receive()
        except TimeoutError:
            raise ClientDisconnect from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def _inflated(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A few KiB at a time, whatever they inflate to. Raises MalformedBody for what is no gzip."""
    inflating = zlib.decompressobj(wbits=31)
    async for piece in pieces:
        try:
            while piece:
                yield inflating.decompress(piece, 64 << 10)
                piece = inflating.unconsumed_tail
        except zlib.error:
            raise MalformedBody("The body says it is gzip, and is not.") from None
