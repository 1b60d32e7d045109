"""The sandboxes of a node: languages, images, driver, pool, and the substrate over them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import structlog

from triform.errors import Kind, Suggestion, TriformError
from triform.executor.loops import Loop
from triform.settings import Settings
from triform.source.fetching import Fetching
from triform.source.hosts import Hosts
from triform.substrates.isolation.checkouts import Checkouts
from triform.substrates.isolation.code import CodeStore
from triform.substrates.isolation.deploy import Deploy
from triform.substrates.isolation.drivers.process.driver import ProcessDriver
from triform.substrates.isolation.gems.bundles import Bundles
from triform.substrates.isolation.gems.source import gem_source
from triform.substrates.isolation.gems.store import BundleStore
from triform.substrates.isolation.gems.workshop import Workshop
from triform.substrates.isolation.guard import GuardedDriver
from triform.substrates.isolation.images import Images, RuntimeImageMissing
from triform.substrates.isolation.interfaces import Driver
from triform.substrates.isolation.invoke import Invoke
from triform.substrates.isolation.languages import Language
from triform.substrates.isolation.plan import Bounds as SandboxBounds
from triform.substrates.isolation.plan import Planner
from triform.substrates.isolation.pool import Pool
from triform.substrates.isolation.shelf import Policy
from triform.substrates.isolation.source_check import SourceChecker
from triform.substrates.isolation.substrate import IsolationSubstrate
from triform.wiring.parts import Ground, Machinery, memory_mb

_log = structlog.get_logger()


class DriverNotThere(TriformError):
    """This version has no such sandbox driver."""

    code: ClassVar[str] = "ISOLATION_UNAVAILABLE"
    kind: ClassVar[Kind] = "unavailable"


@dataclass(frozen=True, slots=True)
class _Parts:
    substrate: IsolationSubstrate
    checker: SourceChecker
    images: Images
    gems: Bundles
    code: CodeStore
    pool: Pool


def isolation(base: Ground) -> _Parts:
    """The sandboxes, over the best driver there is; not started."""
    settings, languages = base.settings, base.languages
    images = Images(
        settings.image_dir or settings.data_dir / "images", settings.image_mirror, settings.runtime_image
    )
    driver = GuardedDriver(_driver(settings, languages))
    pool = Pool(driver, base.clock, Policy(memory_mb=settings.pool_memory_mb or memory_mb() // 8))
    code, bundles = CodeStore(settings.data_dir / "code"), BundleStore(settings.data_dir / "bundles")
    limits = SandboxBounds(settings.load_timeout_ms, settings.output_limit_bytes)
    checkouts = Checkouts(code, base.repositories)
    planner = Planner(languages, images, checkouts, limits, base.clock, base.masks, bundles)
    checker = SourceChecker(languages, images, code, pool, base.clock)
    gems = _gems(base, driver, images, code, bundles)
    substrate = IsolationSubstrate(
        driver=driver,
        pool=pool,
        planner=planner,
        images=images,
        checker=checker,
        invoke=Invoke(planner, pool, base.clock, driver.name),
        deploy=Deploy(
            planner,
            checker,
            pool,
            gems,
            _fetching(base),
            base.deployments,
            base.clock,
            driver.name,
            settings.deploy_timeout_ms,
        ),
    )
    return _Parts(substrate, checker, images, gems, code, pool)


def _fetching(base: Ground) -> Fetching:
    settings = base.settings
    return Fetching(base.git, base.present, Hosts(settings.git_hosts), settings.push_limit_bytes)


def _gems(base: Ground, driver: GuardedDriver, images: Images, code: CodeStore, store: BundleStore) -> Bundles:
    named = base.settings.gem_source
    source = gem_source(named.get_secret_value() if named else None)
    return Bundles(store, images, source, Workshop(driver, base.clock), code, base.clock)


def _driver(settings: Settings, languages: Mapping[str, Language]) -> Driver:
    """`process` is the driver there is; the others are refused rather than replaced by a weaker one."""
    if settings.isolation not in ("auto", ProcessDriver.name):
        raise DriverNotThere(
            f"TRIFORM_ISOLATION={settings.isolation}: this version has no such driver.",
            suggestion=Suggestion(
                why="A weaker sandbox must not take the place of the one that was asked for.",
                fix="Unset TRIFORM_ISOLATION, or set it to auto or process.",
            ),
        )
    return ProcessDriver(languages)


@asynccontextmanager
async def sandboxes(base: Ground) -> AsyncIterator[Machinery]:
    """The isolation substrate, started, with the runtime images its languages need."""
    parts = isolation(base)
    substrate = parts.substrate
    parts.gems.store.clear()
    parts.code.clear()
    for language in base.languages.values():
        await _image(parts.images, language)
    able = await substrate.start()
    _log.info("isolation", driver=able.driver, available=able.available, strength=able.strength)
    for weakness in able.weaknesses:
        _log.warning("isolation_weakness", driver=able.driver, weakness=weakness)
    try:
        yield Machinery(
            substrates={"isolation": substrate},
            source_check=parts.checker,
            checks={"isolation": substrate.ready},
            metrics=substrate.shown,
            heartbeats=(substrate.heartbeat,),
            loops=(
                Loop("bundles", 3600.0, partial(_prune_bundles, base, parts.gems), base.clock),
                Loop("code", 3600.0, partial(_prune_code, parts), base.clock),
            ),
        )
    finally:
        await substrate.stop()


async def _prune_code(parts: _Parts) -> None:
    """Folders of code that no sandbox has, and nobody asked for since yesterday: they can be made again."""
    await asyncio.to_thread(parts.code.prune, parts.pool.folders())


async def _prune_bundles(base: Ground, gems: Bundles) -> None:
    """Bundles that no deploy pins any more, once nobody used them for days."""
    pinned = await base.elements.bundles(base.database)
    await gems.prune(pinned)


async def _image(images: Images, language: Language) -> None:
    """Built on first use. Without it the node serves all the same and says what is missing."""
    try:
        images.find(language)
    except RuntimeImageMissing:
        try:
            await images.build(
                language, lambda said: _log.info("runtime_image", language=language.name, step=said)
            )
        except RuntimeImageMissing as error:
            fix = error.suggestion.fix if error.suggestion else ""
            _log.error("runtime_image_missing", language=language.name, error=error.message, fix=fix)
