"""Gems that people use, of Debian: the packages of the suite that runtime images are made of.

Downloaded once per checkout by apt, which checks signature and sums; RubyGems makes gem files of them again.
"""

import fcntl
import hashlib
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.gems import Gem
from tests.architecture.house import ROOT
from triform.settings import Settings
from triform.substrates.isolation.images.build import KEYRING, MIRROR, PATH
from triform.substrates.isolation.languages import read_languages

PACKAGES = {
    "ruby-activesupport": "activesupport",
    "ruby-concurrent": "concurrent-ruby",
    "ruby-connection-pool": "connection_pool",
    "ruby-httparty": "httparty",
    "ruby-i18n": "i18n",
    "ruby-mini-mime": "mini_mime",
    "ruby-minitest": "minitest",
    "ruby-multi-xml": "multi_xml",
    "ruby-tzinfo": "tzinfo",
}
"""The gem of each. What else these need (bigdecimal, logger and the like) comes with the image's Ruby."""

_FOLDER = ROOT / ".triform" / "gems"
_SHARE = "usr/share/rubygems-integration/all"
_VENDOR = "usr/lib/ruby/vendor_ruby"
_DOWNLOAD_S = 300.0
_LAST_WORDS = 3000


def gems() -> list[Gem]:
    """Those of PACKAGES, their specifications and files as upstream has them."""
    trees = _trees()
    return [_gem(trees / package, name) for package, name in PACKAGES.items()]


def _gem(tree: Path, name: str) -> Gem:
    """Debian keeps the library of some in a folder common to all."""
    (specification,) = (tree / _SHARE / "specifications").glob(f"{name}-[0-9]*.gemspec")
    files = _files(tree / _SHARE / "gems" / specification.stem) or _files(tree / _VENDOR, "lib/")
    return Gem(name, specification.stem.removeprefix(f"{name}-"), files, gemspec=specification.read_text())


def _files(folder: Path, prefix: str = "") -> dict[str, str]:
    """All but what JRuby alone can read."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".jar")
    return {f"{prefix}{path.relative_to(folder)}": path.read_text() for path in paths}


def _trees() -> Path:
    """The unpacked packages, a folder each; whoever comes while they are downloaded waits."""
    suite = read_languages()["ruby"].image.suite
    key = hashlib.sha256(repr((suite, sorted(PACKAGES))).encode()).hexdigest()
    with _alone():
        if not (_FOLDER / key).is_dir():
            _download(suite, Settings().image_mirror or MIRROR, _FOLDER / key)
    return _FOLDER / key


@contextmanager
def _alone() -> Iterator[None]:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(suite: str, mirror: str, place: Path) -> None:
    for left in _FOLDER.glob(".download-*"):
        shutil.rmtree(left)
    draft = Path(tempfile.mkdtemp(prefix=".download-", dir=_FOLDER))
    try:
        done = subprocess.run(
            _command(suite, mirror, draft),
            env={"PATH": PATH, "LC_ALL": "C.UTF-8", "TMPDIR": str(draft)},
            capture_output=True,
            text=True,
            timeout=_DOWNLOAD_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(
                f"The Debian packages {', '.join(PACKAGES)} cannot be downloaded from {mirror} "
                f"(TRIFORM_IMAGE_MIRROR names another mirror):\n{done.stderr[-_LAST_WORDS:]}"
            )
        (draft / "packages").rename(place)
    finally:
        shutil.rmtree(draft)


def _command(suite: str, mirror: str, draft: Path) -> list[str]:
    """An apt of its own, as for an image, that installs nothing and fetches these packages alone."""
    fetch = f"APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -q download {' '.join(PACKAGES)}"
    unpack = "mkdir packages; for file in *.deb; do dpkg-deb -x $file packages/${file%%_*}; done"
    return [
        "mmdebstrap",
        "--mode=chrootless",
        "--skip=check/chrootless",
        "--variant=custom",
        "--format=null",
        *([f"--keyring={KEYRING}"] if KEYRING.exists() else []),
        f"--customize-hook=set -e; cd {shlex.quote(str(draft))}; {fetch}; {unpack}",
        suite,
        "-",
        mirror,
    ]
