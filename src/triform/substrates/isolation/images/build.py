"""Building an image with mmdebstrap: the command as a value, run in one place.

The `extract` variant only unpacks: no maintainer script runs, so `chrootless` is safe as root, and works as
an ordinary user without any uid mapping.
"""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from triform.substrates.isolation.images.errors import build_failed, no_builder
from triform.substrates.isolation.images.model import ALWAYS
from triform.substrates.isolation.languages import ImageRecipe, Language

MIRROR = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

Progress = Callable[[str], None]
"""Takes one line for people to read."""

_STEPS = {
    "running apt-get update": "reading the package lists",
    "downloading packages": "downloading packages",
    "extracting archives": "unpacking packages",
}
_LAST_WORDS = 4000


def command(recipe: ImageRecipe, root: Path, packages: Path, mirror: str) -> list[str]:
    """Unpacks the recipe's packages into `root` and writes their file names to `packages`."""
    keyring = [f"--keyring={KEYRING}"] if KEYRING.exists() else []
    return [
        "mmdebstrap",
        "--mode=chrootless",
        "--skip=check/chrootless",  # newer versions fear maintainer scripts as root; none runs
        "--variant=extract",
        "--format=directory",
        *keyring,
        f'--extract-hook=ls "$1/var/cache/apt/archives" > {packages}',
        f"--include={','.join(dict.fromkeys((*ALWAYS, *recipe.packages)))}",
        recipe.suite,
        str(root),
        mirror,
    ]


async def unpack(language: Language, root: Path, mirror: str, progress: Progress) -> tuple[str, ...]:
    """Unpacks a language's packages into `root`; `name_version` of each. Raises RuntimeImageMissing."""
    builder = shutil.which("mmdebstrap", path=PATH)
    if builder is None:
        raise no_builder()
    names = root.with_name("packages")
    process = await asyncio.create_subprocess_exec(
        builder,
        *command(language.image, root, names, mirror)[1:],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": PATH, "LC_ALL": "C.UTF-8", "TMPDIR": str(root.parent)},
    )
    try:
        output = await _follow(process, progress)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise build_failed(language.name, mirror, output)
    return read_packages(names)


async def _follow(process: asyncio.subprocess.Process, progress: Progress) -> str:
    output = ""
    assert process.stderr is not None  # noqa: S101 - a pipe was asked for
    async for raw in process.stderr:
        line = raw.decode(errors="replace")
        output = (output + line)[-_LAST_WORDS:]
        for mark, text in _STEPS.items():
            if mark in line:
                progress(text)
    await process.wait()
    return output


def read_packages(names: Path) -> tuple[str, ...]:
    """`name_version` from the file names of packages (`name_version_architecture.deb`)."""
    packages = [line.rsplit("_", 1)[0] for line in names.read_text().split() if line.endswith(".deb")]
    return tuple(sorted(package.replace("%3a", ":") for package in packages))
