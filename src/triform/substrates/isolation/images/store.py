"""The folder of runtime images on this machine.

<store>/<digest>/image.json    what it is
<store>/<digest>/root/         the root filesystem, never written again
<store>/.building-…/           on its way; renamed when complete
"""

import asyncio
import fcntl
import os
import platform
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import structlog

from triform.substrates.isolation.images import archive, host
from triform.substrates.isolation.images.build import MIRROR, Progress, unpack
from triform.substrates.isolation.images.errors import ImageBroken, build_failed, missing, not_there
from triform.substrates.isolation.images.finish import finish
from triform.substrates.isolation.images.listing import digest, size
from triform.substrates.isolation.images.model import HOST, Image, from_json, recipe_digest, to_json
from triform.substrates.isolation.languages import Language

_log = structlog.get_logger()

_UNFINISHED = ".building-"


def _silent(_: str) -> None:
    return


class Images:
    """`pinned`: a digest (or its first characters) to use whatever language asks, or `host`.

    `mirror`: the Debian mirror to build from.
    """

    def __init__(self, folder: Path, mirror: str | None = None, pinned: str | None = None) -> None:
        self.folder = folder
        self._mirror = mirror or MIRROR
        self._pinned = pinned

    def list(self) -> Sequence[Image]:
        """Every image there is, newest first."""
        return sorted(self._read(), key=lambda image: image.built_at, reverse=True)

    def find(self, language: Language, pinned: str | None = None) -> Image:
        """The image this language runs in. Raises RuntimeImageMissing.

        The one the settings name, whatever else is asked; the one of digest `pinned`, which a deploy chose,
        while it exists; the newest.
        """
        if self._pinned == HOST:
            return host.image(self.folder / HOST, language)
        if self._pinned:
            return self.get(self._pinned)
        if pinned and pinned != HOST:
            if kept := self._at(pinned):
                return kept
            _log.warning("pinned_image_missing", image=pinned, language=language.name)
        recipe = recipe_digest(language.image)
        for image in self.list():
            if image.recipe == recipe:
                return image
        raise missing(language.name)

    def find_builder(self, language: Language) -> Image | None:
        """The image that dependencies of a language are built in, if it is there. A pin of the settings names what
        code runs in; only the host, chosen as an image, is both."""
        return host.image(self.folder / HOST, language) if self._pinned == HOST else self._found(language.builder)

    def get(self, start: str) -> Image:
        """The image whose digest begins so. Raises RuntimeImageMissing."""
        found = [image for image in self.list() if image.digest.startswith(start)]
        if len(found) != 1:
            raise not_there(start)
        return found[0]

    async def build(self, language: Language, progress: Progress = _silent, *, anew: bool = False) -> Image:
        """The language's image, built if it is not there (or `anew`, for newer packages).

        Whoever comes while it is being built, in this process or another, waits and gets the same one.
        Raises RuntimeImageMissing with what went wrong and how to get past it.
        """
        with await asyncio.to_thread(self._lock):
            built = None if anew else self._found(language)
            return built or await self._build(language, progress)

    async def export(self, image: Image, path: Path) -> None:
        """Writes an image to a file that `import_` takes on another machine."""
        await asyncio.to_thread(archive.write, image, path)

    async def import_(self, path: Path) -> Image:
        """Takes an exported image in. Raises ImageBroken when it is not one or its content is not its digest."""
        with await asyncio.to_thread(self._lock), self._workshop() as folder:
            image = await asyncio.to_thread(archive.read, path, folder)
            return self._place(image, folder)

    def replaced(self) -> Sequence[Image]:
        """Every image that neither is the newest of its recipe nor named by the settings, newest first."""
        newest: dict[str, Image] = {}
        for image in self.list():
            newest.setdefault(image.recipe, image)
        spared = {image.digest for image in newest.values()}
        return [image for image in self.list() if image.digest not in spared and not self._is_named(image)]

    def prune(self, keep: Collection[str] = ()) -> Sequence[Image]:
        """Removes every replaced image that is not kept by digest; the removed ones."""
        removed = [image for image in self.replaced() if image.digest not in keep]
        for image in removed:
            self._remove(image)
        return removed

    def _is_named(self, image: Image) -> bool:
        return bool(self._pinned) and image.digest.startswith(str(self._pinned))

    def _found(self, language: Language) -> Image | None:
        recipe = recipe_digest(language.image)
        return next((image for image in self.list() if image.recipe == recipe), None)

    async def _build(self, language: Language, progress: Progress) -> Image:
        with self._workshop() as folder:
            root = folder / "root"
            progress(f"building the runtime image {language.name}-{language.version} (about 10 s)")
            try:
                packages = await unpack(language, root, self._mirror, progress)
                progress("finishing and sealing")
                image = await asyncio.to_thread(_finish, language, root, packages)
            except OSError as error:
                raise build_failed(language.name, self._mirror, str(error)) from error
            return self._place(image, folder)

    def _place(self, image: Image, folder: Path) -> Image:
        place = self.folder / image.digest
        (folder / "image.json").write_text(to_json(image))
        (folder / "packages").unlink(missing_ok=True)
        if place.exists():
            (folder / "image.json").replace(place / "image.json")
        else:
            folder.chmod(0o755)
            os.sync()  # the rename must not survive a power cut that the content does not
            folder.rename(place)
        return replace(image, root=place / "root")

    def _read(self) -> Iterator[Image]:
        if not self.folder.is_dir():
            return
        for folder in self.folder.iterdir():
            image = None if folder.name.startswith(".") or folder.name == HOST else self._at(folder.name)
            if image is not None:
                yield image

    def _at(self, name: str) -> Image | None:
        """The image in the folder of that name."""
        described = self.folder / name / "image.json"
        try:
            return from_json(described.read_text(), described.parent / "root")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ImageBroken(f"{described} cannot be read.", detail=str(error)) from error

    def _remove(self, image: Image) -> None:
        doomed = self.folder / f"{_UNFINISHED}{image.digest}"
        image.root.parent.rename(doomed)
        shutil.rmtree(doomed)

    @contextmanager
    def _workshop(self) -> Iterator[Path]:
        """A folder to build in. The lock is held, so what other builds left behind is nobody's."""
        for left in self.folder.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(left)
        folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _lock(self) -> "_Held":
        self.folder.mkdir(parents=True, exist_ok=True)
        return _Held(self.folder / ".lock")


class _Held:
    """An exclusive lock on a file, waited for at construction, freed at the end of `with`."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _finish(language: Language, root: Path, packages: tuple[str, ...]) -> Image:
    finish(root)
    return Image(
        digest=digest(root),
        recipe=recipe_digest(language.image),
        language=language.name,
        version=language.version,
        suite=language.image.suite,
        architecture=platform.machine(),
        packages=packages,
        bytes=size(root),
        built_at=datetime.now(UTC),
        root=root,
    )
