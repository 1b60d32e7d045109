"""One small thing every reader and writer callback needs."""

import asyncio


def settle(waited_for: "asyncio.Future[None]") -> None:
    """Lets whoever waits go on; again is harmless (a descriptor may be ready twice before that happens)."""
    if not waited_for.done():
        waited_for.set_result(None)
