"""The folder of bundles on this machine, and of the gem files they are made of.

<root>/built/<digest>/bundle.json      what it is
<root>/built/<digest>/files/           the bundle, never written again; what sandboxes see as /bundle
<root>/decided/<key>                   the digest that requirements came to
<root>/files/<sha256>.gem              as it came from the gem source, checked
<root>/drafts/…                        on its way; renamed when complete
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from triform.substrates.isolation.gems.unpacking import unpack

_DAY_S = 86_400
_TOUCH_S = 3600
_OPEN = 0o755


class Contents(msgspec.Struct, frozen=True):
    """Of a bundle: Bundler's lock, gems as `name version`, the runtime image it is for, bytes of all files."""

    lock: str
    gems: tuple[str, ...]
    runtime_image: str
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Bundle:
    """`files` is the folder that sandboxes see."""

    digest: str
    contents: Contents
    files: Path


class BundleStore:
    def __init__(self, root: Path) -> None:
        self._root = root

    def clear(self) -> None:
        """What an earlier process left half done."""
        shutil.rmtree(self._root / "drafts", ignore_errors=True)

    def find(self, digest: str) -> Bundle | None:
        """The bundle, which is kept for another while."""
        place = self._root / "built" / digest
        try:
            contents = msgspec.json.decode((place / "bundle.json").read_bytes(), type=Contents)
        except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
            return None
        _touch(place)
        return Bundle(digest, contents, place / "files")

    def decided(self, key: str) -> Bundle | None:
        """The bundle that these requirements came to, while it exists."""
        try:
            return self.find((self._root / "decided" / key).read_text())
        except FileNotFoundError:
            return None

    def decide(self, key: str, digest: str) -> None:
        place = self._root / "decided" / key
        place.parent.mkdir(mode=_OPEN, parents=True, exist_ok=True)
        with self.draft() as draft:
            (draft / "decided").write_text(digest)
            (draft / "decided").replace(place)

    @contextlib.contextmanager
    def draft(self) -> Iterator[Path]:
        """A folder on the same disk that is gone afterwards."""
        drafts = self._root / "drafts"
        drafts.mkdir(mode=_OPEN, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=drafts))
        draft.chmod(_OPEN)
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def gem(self, sha256: str) -> Path:
        """Where the gem file of that checksum is, or belongs."""
        place = self._root / "files" / f"{sha256}.gem"
        if place.exists():
            _touch(place)
        return place

    def keep_gem(self, draft: Path, sha256: str) -> bool:
        """Takes a gem file in; False when its content is not what the checksum says."""
        with draft.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                return False
        place = self._root / "files" / f"{sha256}.gem"
        place.parent.mkdir(mode=_OPEN, parents=True, exist_ok=True)
        draft.chmod(0o644)
        draft.replace(place)
        return True

    def seal(self, draft: Path, archive: Path, digest: str, contents: Contents) -> Bundle:
        """Unpacks what a build sent and puts it in its place, whole. ValueError when it is no bundle."""
        sealed = draft / "sealed"
        contents = msgspec.structs.replace(contents, bytes=unpack(archive, sealed / "files"))
        (sealed / "bundle.json").write_bytes(msgspec.json.encode(contents))
        sealed.chmod(_OPEN)
        place = self._root / "built" / digest
        place.parent.mkdir(mode=_OPEN, parents=True, exist_ok=True)
        os.sync()  # the rename must not survive a power cut that the content does not
        sealed.rename(place)
        return Bundle(digest, contents, place / "files")

    def prune(self, keep: Collection[str], unused_s: float = 7 * _DAY_S) -> int:
        """Removes bundles neither to be kept nor used for so long, and old gem files; how many bundles."""
        doomed = [place for place in self._stale("built", unused_s) if place.name not in keep]
        with self.draft() as draft:
            for place in doomed:
                place.rename(draft / place.name)
        for file in self._stale("files", unused_s):
            file.unlink(missing_ok=True)
        for decided in self._stale("decided", unused_s):
            if not (self._root / "built" / decided.read_text()).exists():
                decided.unlink(missing_ok=True)
        return len(doomed)

    def _stale(self, folder: str, unused_s: float) -> list[Path]:
        place = self._root / folder
        entries = list(place.iterdir()) if place.is_dir() else []
        return [entry for entry in entries if time.time() - entry.stat().st_mtime > unused_s]


def _touch(place: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if time.time() - place.stat().st_mtime > _TOUCH_S:
            os.utime(place)
