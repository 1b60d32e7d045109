"""Finding the embedded server that another process runs."""

from pathlib import Path

from triform.storage.embedded.home import Home
from triform.storage.embedded.initialise import failed
from triform.storage.embedded.socket_folder import OWNER, owner_dsn

_SOCKETS = 4
"""The line of postmaster.pid that names the folder of the socket."""


def has_data(folder: Path) -> bool:
    """Whether a server has ever been made there. Raises EmbeddedPostgresFailed when we may not look."""
    try:
        return Home(folder.absolute()).data.is_dir()
    except OSError as error:
        raise failed("The database's folder cannot be read.", str(error)) from error


def running_dsn(folder: Path) -> str | None:
    """How to reach the server that is said to run there, to be tried; None when none is."""
    home = Home(folder.absolute())
    try:
        lines = (home.data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise failed("The database's folder cannot be read.", str(error)) from error
    return owner_dsn(Path(lines[_SOCKETS]), home.password(), OWNER) if len(lines) > _SOCKETS else None
