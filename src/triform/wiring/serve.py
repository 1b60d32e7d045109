"""`serve`: opens everything a node needs, answers HTTP until SIGTERM, and closes it in order."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from triform.api.problems import Problems
from triform.api.serving import bound, serve_until_told
from triform.clock import Clock
from triform.observability.logging import configure_logging
from triform.settings import Settings
from triform.storage.database import Database
from triform.storage.opening import claimed, opened
from triform.wiring.assembly import assemble
from triform.wiring.parts import Ground, ground
from triform.wiring.sandboxes import sandboxes

_log = structlog.get_logger()


async def serve(
    settings: Settings, started: Callable[[str], None] = lambda url: None, clock: Clock | None = None
) -> None:
    """Runs everything until SIGTERM or SIGINT; `started` is told the URL once requests are answered."""
    configure_logging(settings.log_level, settings.log_format)
    with claimed(settings.data_dir):
        await _serve(settings, started, clock)


async def _serve(settings: Settings, started: Callable[[str], None], clock: Clock | None) -> None:
    listener = bound(settings.host, settings.port)
    url = f"http://{settings.host}:{listener.getsockname()[1]}"
    dsn = settings.database_url.get_secret_value() if settings.database_url else None
    async with (
        opened(dsn, settings.data_dir / "postgres") as database,
        _grounded(settings, database, clock) as base,
        sandboxes(base) as machinery,
    ):
        assembled = assemble(base, machinery)
        if assembled.first_admin is not None:
            link = await assembled.first_admin.offer(url)
            if link is not None:
                _log.warning("first_admin_link", file=str(link))
        _keep_what_is_there()
        async with assembled.mcp.running(), assembled.node.working():
            _log.info("serving", url=url, dev_mode=settings.dev_mode)
            await serve_until_told(
                assembled.app,
                listener,
                lambda: assembled.node.drain(settings.drain_s),
                Problems(base.catalogue),
                lambda: started(url),
            )


def _keep_what_is_there() -> None:
    """What has been made by now, catalogue and code, stays: the garbage collector need not walk it again.
    A run leaves some hundred objects, next to none of them in cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    gc.enable()


@asynccontextmanager
async def _grounded(settings: Settings, database: Database, clock: Clock | None) -> AsyncIterator[Ground]:
    """However it ends, spans that wait are sent; that is bounded, and happens beside the event loop."""
    base = ground(settings, database, clock)
    try:
        yield base
    finally:
        await asyncio.to_thread(base.tracing.shutdown)
