"""Requirements in, a bundle out; made once for all who want the same.

requirements ──decided before?──────────────────────────────► bundle
    └─► resolve ──► lock ──there?───────────────────────────► bundle
                      └─► fetch ──► build ──► unpack, rename ─► bundle
"""

import asyncio
import hashlib
import platform
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from triform.clock import Clock
from triform.substrates.isolation.code import CodeStore
from triform.substrates.isolation.gems.building import Builder, Fetcher
from triform.substrates.isolation.gems.errors import REFUSED, NotBuilt
from triform.substrates.isolation.gems.requirements import Requirement
from triform.substrates.isolation.gems.resolving import Lock, Resolver
from triform.substrates.isolation.gems.source import GemSource
from triform.substrates.isolation.gems.store import Bundle, BundleStore, Contents
from triform.substrates.isolation.gems.workshop import Workshop
from triform.substrates.isolation.languages import Language
from triform.substrates.isolation.plan import Image
from triform.substrates.isolation.run import Listener


class Images(Protocol):
    def find_builder(self, language: Language) -> Image | None:
        """The image that dependencies of a language are built in, if it is there."""

    async def build(self, language: Language, progress: Callable[[str], None]) -> Image:
        """Raises RuntimeImageMissing."""


_BUILDS_AT_ONCE = 2
_Made = tuple[Bundle, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a bundle is asked for; `image` is the runtime image it will be used in."""

    language: Language
    image: Image
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class Obtained:
    """`cached`: it was there, or being built already. `timings` in ms, of the steps that were taken."""

    bundle: Bundle
    cached: bool
    timings: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Making:
    """A build that goes on, for so many who wait."""

    task: "asyncio.Task[_Made]"
    waiting: int = 0


class Bundles:
    """What makes bundles, and keeps them in `store`."""

    def __init__(
        self,
        store: BundleStore,
        images: Images,
        source: GemSource,
        workshop: Workshop,
        code: CodeStore,
        clock: Clock,
    ) -> None:
        self.store = store
        self._images = images
        self._source = source
        self._resolver = Resolver(source, workshop, code)
        self._fetcher = Fetcher(source, store)
        self._builder = Builder(store, workshop)
        self._clock = clock
        self._making: dict[str, _Making] = {}
        self._turn = asyncio.Semaphore(_BUILDS_AT_ONCE)

    async def obtain(self, wanted: Wanted, listener: Listener) -> Obtained:
        """Raises Unresolved, SourceTrouble, NotBuilt, RuntimeImageMissing, DriverFault."""
        key = self._key(wanted)
        if known := self.store.decided(key):
            return Obtained(known, cached=True)
        listener.progress(None, "resolving the requirements", None)
        began = self._clock.monotonic()
        lock = await self._resolver.resolve(wanted.language, wanted.image, wanted.requirements)
        timings = {"resolve_ms": self._since(began)}
        digest = _digest(wanted, lock)
        bundle = self.store.find(digest)
        cached = bundle is not None or digest in self._making
        if bundle is None:
            bundle, spent = await self._made(digest, partial(self._make, digest, wanted, lock, listener))
            timings |= spent
        self.store.decide(key, bundle.digest)
        return Obtained(bundle, cached, timings)

    async def prune(self, keep: Collection[str]) -> int:
        """Removes what is not to be kept and nobody used for days; how many bundles."""
        return await asyncio.to_thread(self.store.prune, {*keep, *self._making})

    async def _made(self, digest: str, make: Callable[[], Coroutine[Any, Any, _Made]]) -> _Made:
        """Waits for the build all share; it is called off when the last one who waits is."""
        making = self._making.get(digest)
        if making is None:
            making = self._making[digest] = _Making(asyncio.create_task(make()))
            making.task.add_done_callback(lambda _: self._forget(digest, making))
        making.waiting += 1
        try:
            return await asyncio.shield(making.task)
        finally:
            making.waiting -= 1
            if not making.waiting and not making.task.done():
                self._forget(digest, making)
                making.task.cancel()
                await asyncio.wait({making.task})

    def _forget(self, digest: str, making: _Making) -> None:
        if self._making.get(digest) is making:
            del self._making[digest]

    async def _make(self, digest: str, wanted: Wanted, lock: Lock, listener: Listener) -> _Made:
        timings = {}
        began = self._clock.monotonic()
        await self._fetcher.fetch(lock.files, listener)
        timings["fetch_ms"] = self._since(began)
        builder = await self._build_image(wanted.language, listener)
        async with self._turn:
            began = self._clock.monotonic()
            listener.progress(None, "installing", None)
            bundle = await self._build(digest, builder, wanted, lock, listener)
            timings["build_ms"] = self._since(began)
        return bundle, timings

    async def _build(self, digest: str, image: Image, wanted: Wanted, lock: Lock, listener: Listener) -> Bundle:
        gems = tuple(f"{file.name} {file.number}" for file in lock.files)
        contents = Contents(lock.text, gems, wanted.image.digest)
        with self.store.draft() as draft:
            asked = (wanted.requirements, lock)
            archive = await self._builder.build(wanted.language, image, asked, draft, listener)
            try:
                return await asyncio.to_thread(self.store.seal, draft, archive, digest, contents)
            except ValueError as error:
                raise NotBuilt(f"What the build left is no bundle: {error}.", REFUSED) from error

    async def _build_image(self, language: Language, listener: Listener) -> Image:
        """Made on first use. Raises RuntimeImageMissing."""
        return self._images.find_builder(language) or await self._images.build(
            language.builder, lambda said: listener.progress(None, said, None)
        )

    def _key(self, wanted: Wanted) -> str:
        programs = (wanted.language.digest, wanted.image.digest, self._source.shown)
        return _hash(*programs, *sorted(map(str, wanted.requirements)))

    def _since(self, began: float) -> float:
        return round((self._clock.monotonic() - began) * 1000, 3)


def _digest(wanted: Wanted, lock: Lock) -> str:
    """Of all that decides what a bundle holds; what a build writes is not the same bytes twice."""
    files = (f"{file.file} {file.sha256}" for file in lock.files)
    return _hash(wanted.language.digest, wanted.image.digest, platform.machine(), lock.text, *files)


def _hash(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()
