"""How a Postgres program is started: as which user, and tied to our own life.

Postgres refuses to run as root. Root therefore starts it in a user namespace in which root is called 65534
(its files stay root's own), or, where namespaces are forbidden, as the real user 65534 with `setpriv`.
`setpriv --pdeathsig` makes the kernel end the server the moment our process is gone, even by SIGKILL.
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from triform.errors import Suggestion
from triform.storage.embedded.binaries import Binaries
from triform.storage.embedded.borrowed import borrow
from triform.storage.errors import EmbeddedPostgresFailed

NOBODY = 65534

ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
"""All a Postgres process sees of the environment; messages stay in English because some are read."""


@dataclass(frozen=True, slots=True)
class Launch:
    """`prefix` goes before a program's command line; `owner` is the host uid its files must belong to."""

    prefix: tuple[str, ...]
    owner: int
    binaries: Binaries

    def command(self, program: str, *arguments: str) -> list[str]:
        return [*self.prefix, self.binaries.program(program), *arguments]


def choose_launch(binaries: Binaries, home: Path) -> Launch:
    """The first way that works on this machine. Raises `EmbeddedPostgresFailed` when none does."""
    uid = os.geteuid()
    if uid != 0 and _has_a_name(uid):
        return Launch(_tied(), uid, binaries)
    namespace = _in_user_namespace()
    if namespace and _works(namespace):
        return Launch((*namespace, *_tied()), uid, binaries)
    if uid == 0 and shutil.which("setpriv"):
        return Launch(_as_nobody(), NOBODY, borrow(binaries, home))
    raise EmbeddedPostgresFailed("Postgres cannot be run as this user here.", suggestion=_NO_USER)


def _tied() -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    return (setpriv, "--no-new-privs", "--pdeathsig", "SIGQUIT", "--") if setpriv else ()


def _in_user_namespace() -> tuple[str, ...]:
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    return (unshare, "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")


def _as_nobody() -> tuple[str, ...]:
    setpriv, *rest = _tied()
    return (setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *rest)


def _works(prefix: tuple[str, ...]) -> bool:
    probe = subprocess.run([*prefix, "true"], env=ENVIRONMENT, capture_output=True, check=False, cwd="/")
    return probe.returncode == 0


def _has_a_name(uid: int) -> bool:
    """initdb refuses users that are not in the passwd database (containers started with any uid)."""
    try:
        return bool(pwd.getpwuid(uid))
    except KeyError:
        return False


_NO_USER = Suggestion(
    why="Postgres must not run as root, and neither unshare (user namespaces) nor setpriv can change that here.",
    fix="Install util-linux, run as an ordinary user, or set TRIFORM_DATABASE_URL to a Postgres of your own.",
)
