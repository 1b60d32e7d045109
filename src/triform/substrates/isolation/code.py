"""User code as read-only folders, named by their content; every sandbox of the same code sees the same one."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path, PurePosixPath

_FILE, _FOLDER = 0o644, 0o755
_DAY_S = 86_400
_TOUCH_S = 3600


class CodeStore:
    """Folders below `root`, readable by everybody: the sandbox's user is nobody's."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, files: Mapping[str, bytes]) -> Path:
        """The folder that holds exactly these files. ValueError for a path that leads out of it."""
        return self.kept(digest_of(files), partial(_lay_out, files))

    def kept(self, name: str, write: Callable[[Path], None]) -> Path:
        """The folder of this name; written aside first where it is not there yet. Raises what `write` raises."""
        folder = self._root / name
        if folder.is_dir():
            _touch(folder)
        else:
            self._write(folder, write)
        return folder

    def prune(self, keep: Collection[Path] = (), unused_s: float = _DAY_S) -> int:
        """Removes folders that are not to be kept and nobody asked for in so many seconds; how many."""
        then = time.time() - unused_s
        stale = [folder for folder in self._folders() if folder not in keep and folder.stat().st_mtime < then]
        for folder in stale:
            draft = self._draft()
            folder.rename(draft / folder.name)
            shutil.rmtree(draft, ignore_errors=True)
        return len(stale)

    def clear(self) -> None:
        """What an earlier process left half done."""
        for draft in self._root.glob(".*"):
            shutil.rmtree(draft, ignore_errors=True)

    def _folders(self) -> list[Path]:
        return [entry for entry in self._root.glob("[!.]*") if entry.is_dir()]

    def _draft(self) -> Path:
        self._root.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".", dir=self._root))

    def _write(self, folder: Path, write: Callable[[Path], None]) -> None:
        draft = self._draft()
        try:
            write(draft)
            for place in (draft, *draft.rglob("*")):
                place.chmod(_FOLDER if place.is_dir() or place.stat().st_mode & 0o100 else _FILE)
            _take_place(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def digest_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 over names and contents, in hex."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{len(name)}:{name}{len(content)}:".encode() + content)
    return digest.hexdigest()


def _checked(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts:
        raise ValueError(f"{name!r} does not stay in the folder")
    return path


def _lay_out(files: Mapping[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        path = folder / _checked(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _take_place(draft: Path, folder: Path) -> None:
    """Whoever is first wins; the same content came second."""
    try:
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _touch(folder: Path) -> None:
    if time.time() - folder.stat().st_mtime > _TOUCH_S:
        os.utime(folder)
