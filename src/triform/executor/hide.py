"""What an attempt ended with, without the secret values of its element."""

import asyncio

from msgspec.structs import replace

from triform.runs.mask import Mask
from triform.runs.model import Ended

_LARGE = 64 << 10


async def hidden(ended: Ended, mask: Mask | None) -> Ended:
    """A large output is looked at in a thread."""
    if mask is None:
        return ended
    output, failure = ended.output, ended.failure
    if output is not None:
        output = await asyncio.to_thread(mask.json, output) if len(output) > _LARGE else mask.json(output)
    return replace(ended, output=output, failure=mask.failure(failure) if failure else None)
