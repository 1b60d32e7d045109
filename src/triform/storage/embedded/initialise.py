"""Making the data directory, once, all or nothing; and telling whether an existing one fits."""

import subprocess

from triform.errors import Suggestion
from triform.storage.embedded.home import Home
from triform.storage.embedded.launch import ENVIRONMENT, Launch
from triform.storage.embedded.socket_folder import OWNER
from triform.storage.errors import EmbeddedPostgresFailed

_TIME_LIMIT_S = 120.0


def initialise(home: Home, launch: Launch) -> None:
    """Create `home.data` unless it is there. Raises `EmbeddedPostgresFailed` with the fix.

    initdb works in `data.new`, which becomes `data` by one rename: a crash leaves nothing half made.
    """
    home.password()
    home.belong_to(launch.owner)
    if home.data.exists():
        return _check_version(home, launch.binaries.major)
    home.forget_unfinished()
    _run(initdb_command(home, launch), home)
    home.unfinished_data.rename(home.data)


def initdb_command(home: Home, launch: Launch) -> list[str]:
    return launch.command(
        "initdb",
        f"--pgdata={home.unfinished_data}",
        f"--username={OWNER}",
        f"--pwfile={home.password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--no-locale",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
    )


def _run(command: list[str], home: Home) -> None:
    try:
        done = subprocess.run(
            command,
            env=ENVIRONMENT,
            cwd=home.root,
            capture_output=True,
            text=True,
            timeout=_TIME_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise failed("The database could not be created.", str(error)) from error
    if done.returncode:
        raise failed("The database could not be created.", f"{done.stdout}\n{done.stderr}")


def _check_version(home: Home, major: int) -> None:
    file = home.data / "PG_VERSION"
    found = file.read_text().strip() if file.exists() else "none"
    if found != str(major):
        raise EmbeddedPostgresFailed(
            f"{home.data} was written by Postgres {found}; this Triform brings Postgres {major}.",
            suggestion=_OTHER_VERSION,
        )


def failed(message: str, detail: str) -> EmbeddedPostgresFailed:
    """The error for what a Postgres program said, with the fix for the causes we know."""
    for sign, suggestion in _KNOWN.items():
        if sign in detail:
            return EmbeddedPostgresFailed(f"{message} {suggestion.why}", detail=detail, suggestion=suggestion)
    return EmbeddedPostgresFailed(message, detail=detail, suggestion=_UNKNOWN)


_OTHER_VERSION = Suggestion(
    why="A data directory can only be opened by the major version of Postgres that wrote it.",
    fix="Start the version of Triform that wrote it, dump the database with pg_dump, and load it into a new one.",
)
_UNKNOWN = Suggestion(
    why="Postgres refused to start; what it said is in the log file of its folder and in the server's log.",
    fix="Read that log; or set TRIFORM_DATABASE_URL to a Postgres of your own.",
)
_KNOWN = {
    "No space left on device": Suggestion(
        why="The disk is full.", fix="Free some space where the data directory lies, then start again."
    ),
    "Permission denied": Suggestion(
        why="Postgres may not read or write a file of its data directory.",
        fix="Give the data directory to the user that runs Triform (chown -R), then start again.",
    ),
    "has wrong ownership": Suggestion(
        why="The data directory belongs to another user.",
        fix="Run Triform as that user, or give the data directory to this one (chown -R), then start again.",
    ),
    "could not create shared memory segment": Suggestion(
        why="The machine has no shared memory left for Postgres.",
        fix="Free memory or raise the limit (kernel.shmmax, the container's memory), then start again.",
    ),
}
