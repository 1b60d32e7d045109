"""The folder of an embedded server.

<home>/lock       held (flock) by the one process that runs a server here
<home>/password   the owner role's password, 0600
<home>/data       Postgres' own data directory
<home>/log        what the running server says; log.1 is the one before
<home>/run        the socket, unless that path is too long for one (see `socket_folder`)
"""

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from triform.errors import Suggestion
from triform.storage.errors import EmbeddedPostgresFailed

_LOG_LIMIT_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Home:
    root: Path

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def password_file(self) -> Path:
        return self.root / "password"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def unfinished_data(self) -> Path:
        return self.root / "data.new"

    @property
    def log(self) -> Path:
        return self.root / "log"

    def create(self) -> None:
        """Make the folder, 0700. Raises `EmbeddedPostgresFailed` when it cannot be written."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.root.stat().st_mode & 0o077:
                self.root.chmod(0o700)
        except OSError as error:
            raise EmbeddedPostgresFailed(
                f"{self.root} cannot be used for the database: {error.strerror}.", suggestion=_UNWRITABLE
            ) from error

    def password(self) -> str:
        """The owner role's password, made on first use. Raises when it was lost while the data was kept."""
        if not self.password_file.exists():
            self._make_password()
        return self.password_file.read_text().strip()

    def _make_password(self) -> None:
        if self.data.exists():
            raise EmbeddedPostgresFailed(
                f"{self.password_file} is missing, so nobody can log in to the database.", suggestion=_NO_PASSWORD
            )
        unfinished = self.password_file.with_suffix(".new")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(self.password_file)

    def belong_to(self, uid: int) -> None:
        """As root, hand everything in here to `uid`: Postgres refuses data that is not its own user's."""
        if os.geteuid() != 0 or all(path.stat().st_uid == uid for path in (self.root, *self._present())):
            return
        for folder, _, files in os.walk(self.root):
            os.chown(folder, uid, uid)
            for name in files:
                os.lchown(Path(folder) / name, uid, uid)

    def _present(self) -> list[Path]:
        return [path for path in (self.data, self.password_file) if path.exists()]

    def forget_unfinished(self) -> None:
        shutil.rmtree(self.unfinished_data, ignore_errors=True)

    def turn_log(self) -> None:
        if self.log_size() > _LOG_LIMIT_BYTES:
            self.log.replace(self.root / "log.1")

    def log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def log_since(self, offset: int) -> str:
        """What the server wrote after byte `offset`, at most the last 4000 bytes."""
        if not self.log.exists():
            return ""
        return self.log.read_bytes()[offset:][-4000:].decode(errors="replace")


_UNWRITABLE = Suggestion(
    why="The embedded Postgres keeps its files there and needs to own and write the folder.",
    fix="Make it writable for this user, or choose another place with TRIFORM_DATA_DIR (--data-dir).",
)
_NO_PASSWORD = Suggestion(
    why="The file that holds the embedded Postgres' password was removed, its data directory was not.",
    fix="Restore the file from a backup; a backup must hold the whole data directory.",
)
