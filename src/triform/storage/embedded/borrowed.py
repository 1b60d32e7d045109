"""A copy of the binaries for a user who cannot read the original (a virtualenv under /root, say)."""

import shutil
from pathlib import Path

from triform.errors import Suggestion
from triform.storage.embedded.binaries import NEEDED, Binaries
from triform.storage.errors import EmbeddedPostgresFailed


def borrow(binaries: Binaries, home: Path) -> Binaries:
    """The same binaries where everybody may run them: as they are, or copied below `home`.

    Raises `EmbeddedPostgresFailed` when `home` itself is behind a folder closed to others.
    """
    if not _open_to_all(home.parent):
        raise EmbeddedPostgresFailed(
            f"{home} lies in a folder that only root can enter.", suggestion=_closed(home)
        )
    return binaries if _open_to_all(binaries.root) else _copy(binaries, home)


def _open_to_all(path: Path) -> bool:
    resolved = path.resolve()
    return all(place.stat().st_mode & 0o001 for place in (resolved, *resolved.parents))


def _copy(binaries: Binaries, home: Path) -> Binaries:
    """The layout is kept, since the programs find their libraries by a path relative to themselves."""
    target = home / f"binaries-{_mark(binaries)}"
    package = binaries.root.parent.name
    copied = Binaries(target / package / binaries.root.name, target / binaries.libraries.name, binaries.major)
    if not target.exists():
        unfinished = target.with_name(target.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in NEEDED:
            shutil.copytree(binaries.root / part, unfinished / package / binaries.root.name / part)
        shutil.copytree(binaries.libraries, unfinished / binaries.libraries.name)
        unfinished.rename(target)
    return copied


def _mark(binaries: Binaries) -> str:
    found = Path(binaries.program("postgres")).stat()
    return f"{binaries.major}-{found.st_size:x}-{found.st_mtime_ns:x}"


def _closed(home: Path) -> Suggestion:
    return Suggestion(
        why="Without user namespaces Postgres runs as an ordinary user, who must be able to reach its files.",
        fix=f"Choose a data directory outside {home.parent}, e.g. TRIFORM_DATA_DIR=/var/lib/triform.",
    )
