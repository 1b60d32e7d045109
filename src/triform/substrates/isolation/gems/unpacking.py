"""A tar that gem code may have written becomes a folder: plain files, and links that stay inside. Nothing else."""

import errno
import posixpath
import shutil
import tarfile
from pathlib import Path, PurePosixPath

MOST_BYTES = 1 << 30
MOST_ENTRIES = 200_000
_ITS_FAULT = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL)
"""What names that contradict each other lead to; a full disk is another matter."""

_FILE, _PROGRAM, _FOLDER = 0o644, 0o755, 0o755


def unpack(archive: Path, folder: Path) -> int:
    """How many bytes it holds. ValueError for what does not belong in a bundle."""
    _make(folder, folder)
    try:
        return _unpack(archive, folder)
    except tarfile.TarError as error:
        raise ValueError(f"not a tar: {error}") from error
    except OSError as error:
        if error.errno in _ITS_FAULT:
            raise ValueError(f"its files do not fit together: {error.strerror}") from error
        raise


def _unpack(archive: Path, folder: Path) -> int:
    links: list[tuple[str, str]] = []
    size = 0
    with tarfile.open(archive, "r:") as tar:
        for count, entry in enumerate(tar, 1):
            size += entry.size
            if count > MOST_ENTRIES or size > MOST_BYTES:
                raise ValueError(f"more than {MOST_ENTRIES} files or {MOST_BYTES} bytes")
            if entry.issym():
                links.append((_inside(entry.name), entry.linkname))
            else:
                _place(tar, entry, folder)
    for name, target in links:  # last, so that no file was written through one
        _link(folder, name, target)
    return size


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\0" in name:
        raise ValueError(f"{name!r} does not stay in the bundle")
    return str(path)


def _place(tar: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> None:
    content = tar.extractfile(entry) if entry.isreg() else None
    if content is None:
        raise ValueError(f"{entry.name!r} is neither file nor link")
    place = folder / _inside(entry.name)
    _make(place.parent, folder)
    with place.open("xb") as file:
        shutil.copyfileobj(content, file)
    place.chmod(_PROGRAM if entry.mode & 0o111 else _FILE)


def _link(folder: Path, name: str, target: str) -> None:
    end = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    if target.startswith("/") or end == ".." or end.startswith("../"):
        raise ValueError(f"{name!r} links to {target!r}, outside of the bundle")
    _make((folder / name).parent, folder)
    (folder / name).symlink_to(target)


def _make(path: Path, root: Path) -> None:
    """Folders that everybody can read, whatever the umask says."""
    if path != root and path.parent != path:
        _make(path.parent, root)
    if not path.is_dir():
        path.mkdir(parents=path == root)
        path.chmod(_FOLDER)
