"""Where the server's Unix socket lives: a private folder whose path fits into `sun_path`."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote

OWNER = "triform"
"""The owner role of the embedded server."""

PORT = 5432
"""Only part of the socket's file name: nothing listens on TCP."""

_SOCKET_PATH_LIMIT_BYTES = 107


def socket_folder(home: Path, owner: int) -> Path:
    """A 0700 folder of uid `owner`: `<home>/run` when short enough, else one under the runtime or temp dir."""
    mark = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    name = f"triform-postgres-{os.geteuid()}-{mark}"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    wanted = [home / "run", *([Path(runtime) / name] if runtime else []), Path(tempfile.gettempdir()) / name]
    for folder in [*wanted, Path("/tmp") / name]:  # noqa: S108 - made 0700, checked by _private
        if fits(folder) and _private(folder, owner):
            return folder
    made = Path(tempfile.mkdtemp(prefix="triform-postgres-", dir="/tmp"))
    os.chown(made, owner, -1)
    return made


def fits(folder: Path) -> bool:
    """Short enough for `sun_path`, and without the comma that separates hosts in a connection URL."""
    return (
        "," not in str(folder) and len(os.fsencode(folder / f".s.PGSQL.{PORT}.lock")) <= _SOCKET_PATH_LIMIT_BYTES
    )


def owner_dsn(folder: Path, password: str, database: str) -> str:
    """A connection URL for the owner role, as asyncpg reads it."""
    host = quote(str(folder), safe="")
    return f"postgresql://{OWNER}:{quote(password, safe='')}@/{database}?host={host}&port={PORT}"


def _private(folder: Path, owner: int) -> bool:
    """Make it ours; False when that fails or when somebody else could put a socket there."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), owner) or found.st_mode & 0o077:
            return False
        os.chown(folder, owner, -1)
    except OSError:
        return False
    return True
