"""Turns a shelf's spec into templates and instances: loaded once for all who wait, failures remembered."""

import asyncio
import base64
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from triform.clock import Clock
from triform.substrates.isolation.channel import control
from triform.substrates.isolation.interfaces import Driver, DriverFault, Frame, LoadFailed, Template
from triform.substrates.isolation.shelf import Shelf, Spare

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


def thaw(clock: Clock) -> Frame:
    """The first that is said to an instance: what no other one has, and what time it is."""
    seed = base64.b64encode(secrets.token_bytes(64)).decode()
    return control("thaw", seed=seed, now_ns=int(clock.now().timestamp() * 1e9), environment={})


class Maker:
    """`spawn` starts what must outlive its caller; `make_room` is asked before anything is loaded."""

    def __init__(
        self, driver: Driver, clock: Clock, spawn: Spawn, make_room: Callable[[], Awaitable[None]]
    ) -> None:
        self._driver = driver
        self._clock = clock
        self._spawn = spawn
        self._make_room = make_room

    async def make(self, shelf: Shelf) -> Spare:
        template, own = await self._template(shelf)
        try:
            return Spare(await self._driver.clone(template, thaw(self._clock)), template, own)
        except BaseException:
            if own:
                await asyncio.shield(self._driver.discard(template))
            raise

    async def _template(self, shelf: Shelf) -> tuple[Template, bool]:
        """A template to clone, and whether it is the caller's alone."""
        if shelf.alone and shelf.template is None:
            return await self._load_once(shelf), True
        template = await self.shared(shelf)
        if template.reusable:
            return template, False
        if shelf.template is None:  # another one was faster, and it serves one run only
            return await self._template(shelf)
        shelf.template = None
        return template, True

    async def shared(self, shelf: Shelf) -> Template:
        """The shelf's template, loaded if need be, however many wait for it."""
        while shelf.template is None:
            await self._loaded(shelf)
        return shelf.template

    async def _loaded(self, shelf: Shelf) -> None:
        """Waits for the load all share; it is called off when the last one who waits is."""
        loading = shelf.loading = shelf.loading or self._spawn(self._load(shelf))
        try:
            await asyncio.shield(loading)
        except asyncio.CancelledError:
            if loading.cancelled():
                raise DriverFault("loading was called off") from None
            if shelf.leases <= 1:
                loading.cancel()
                await asyncio.wait({loading})
            raise

    async def _load(self, shelf: Shelf) -> None:
        try:
            await self._make_room()
            shelf.template = await self._load_once(shelf)
            shelf.alone = not shelf.template.reusable
        finally:
            shelf.loading = None

    async def _load_once(self, shelf: Shelf) -> Template:
        if (failure := shelf.again()) is not None:
            raise failure
        try:
            return await self._driver.template(shelf.spec)
        except LoadFailed as failed:
            shelf.failed(failed, self._clock.monotonic())
            raise
