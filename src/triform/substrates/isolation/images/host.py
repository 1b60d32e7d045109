"""The fallback for machines where no image can be had: the host's own programs, read-only, an own /etc.

Chosen only by TRIFORM_RUNTIME_IMAGE=host. Weaker: user code sees every program and library of the host (not
its /etc, /home, /root, /var), and what it runs on changes whenever the host is updated.
"""

import os
import platform
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from triform.substrates.isolation.images.finish import make_skeleton
from triform.substrates.isolation.images.model import HOST, Image, to_json
from triform.substrates.isolation.languages import Language

WEAKNESS = "runtime image: the host's own /usr is visible to user code (TRIFORM_RUNTIME_IMAGE=host)"

_FOLDERS = ("usr", "bin", "sbin", "lib", "lib32", "lib64")
_OF_ETC = ("alternatives", "ssl/certs", "ld.so.cache", "ld.so.conf.d")


def image(place: Path, language: Language) -> Image:
    """The host as an image, its skeleton made at `place` when it is not there."""
    described = Image(
        digest=HOST,
        recipe=HOST,
        language=language.name,
        version=HOST,
        suite=HOST,
        architecture=platform.machine(),
        packages=(),
        bytes=0,
        built_at=datetime.now(UTC),
        root=place / "root",
        binds=binds(),
    )
    if not (place / "image.json").exists():
        _make(place, described)
    return described


def binds() -> tuple[str, ...]:
    """What of the host is seen inside, at the same path."""
    folders = [f"/{name}" for name in _FOLDERS if Path("/", name).is_dir() and not Path("/", name).is_symlink()]
    return (*folders, *(f"/etc/{name}" for name in _OF_ETC if Path("/etc", name).exists()))


def _make(place: Path, described: Image) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=".building-", dir=place.parent))
    root = workshop / "root"
    root.mkdir()
    make_skeleton(root)
    for name in _FOLDERS:
        if Path("/", name).is_symlink():
            (root / name).symlink_to(Path("/", name).readlink())
    for bind in described.binds:
        _mount_point(Path(bind), root)
    (workshop / "image.json").write_text(to_json(described))
    workshop.chmod(0o755)
    try:
        workshop.rename(place)
    except OSError:  # another process was first
        shutil.rmtree(workshop)


def _mount_point(source: Path, root: Path) -> None:
    target = root / str(source).lstrip("/")
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    os.chmod(target, 0o755 if source.is_dir() else 0o644)  # noqa: PTH101
