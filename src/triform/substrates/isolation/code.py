"""User code as read-only folders, named by their content; every sandbox of the same code sees the same one."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
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
        folder = self._root / digest_of(files)
        if folder.is_dir():
            _touch(folder)
        else:
            self._write(folder, files)
        return folder

    def prune(self, unused_s: float = 7 * _DAY_S) -> int:
        """Removes folders nobody asked for in so many seconds; how many. Running sandboxes keep theirs."""
        stale = [folder for folder in self._folders() if time.time() - folder.stat().st_mtime > unused_s]
        for folder in stale:
            shutil.rmtree(folder, ignore_errors=True)
        return len(stale)

    def _folders(self) -> list[Path]:
        return [entry for entry in self._root.iterdir() if entry.is_dir()] if self._root.is_dir() else []

    def _write(self, folder: Path, files: Mapping[str, bytes]) -> None:
        self._root.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".", dir=self._root))
        try:
            for name, content in files.items():
                _place(draft / _checked(name), content)
            draft.chmod(_FOLDER)
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


def _place(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(_FILE)


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
