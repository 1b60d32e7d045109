"""The checks of `triform doctor` about running user code: the driver is tried, the images are looked for."""

import asyncio
import shutil

from triform.cli.finding import Finding
from triform.cli.image import store
from triform.errors import TriformError
from triform.settings import Settings
from triform.substrates.isolation.drivers.process.driver import ProcessDriver
from triform.substrates.isolation.languages import read_languages


def sandbox(settings: Settings) -> Finding:
    """Builds an empty sandbox and lets it go again."""
    driver = ProcessDriver(read_languages(settings.harnesses))
    if settings.isolation not in ("auto", driver.name):
        return Finding("sandbox", "fail", f"there is no driver {settings.isolation} yet", "TRIFORM_ISOLATION=auto")
    found = asyncio.run(driver.probe())
    if not found.available:
        return Finding("sandbox", "fail", found.why_not, found.fix)
    return Finding("sandbox", "ok", f"driver {found.driver}, tried just now", notes=found.weaknesses)


def images(settings: Settings) -> Finding:
    """Whether each language has its runtime image, or could get one."""
    kept = store(settings)
    there, missing, fix = [], [], ""
    for language in read_languages(settings.harnesses).values():
        try:
            there.append(kept.find(language).label)
        except TriformError as error:
            missing.append(language.name)
            fix = error.suggestion.fix if error.suggestion else ""
    if not missing:
        return Finding("images", "ok", ", ".join(there))
    if shutil.which("mmdebstrap") is None:
        return Finding("images", "fail", f"none for {', '.join(missing)}, and nothing to build it with", _BUILDER)
    place = settings.image_dir or settings.data_dir / "images"
    return Finding("images", "warn", f"none yet for {', '.join(missing)} in {place}; triform up builds it", fix)


_BUILDER = "apt-get install mmdebstrap debian-archive-keyring, or triform image import FILE"
