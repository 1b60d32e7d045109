"""Who is signed in where: a 0600 file under the user's configuration folder."""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from triform.cli.outcome import Stop


@dataclass(frozen=True, slots=True)
class Session:
    """A credential for one circle at one server. `expires_at` is RFC 3339; empty: it is never refreshed."""

    url: str
    circle: str
    token: str
    refresh_token: str = ""
    expires_at: str = ""

    def __repr__(self) -> str:
        return f"Session({self.url!r}, {self.circle!r})"


class Sessions:
    """The stored sessions; the first is the current one, of the last sign-in."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, url: str | None = None, circle: str | None = None) -> Session | None:
        """The first session that fits."""
        fitting = (s for s in self._read() if url in (None, s.url) and circle in (None, s.circle))
        return next(fitting, None)

    def save(self, session: Session, *, current: bool = True) -> None:
        """Keep `session` in the place of an older one for the same circle, or as the current one."""
        kept = self._read()
        places = [place for place, s in enumerate(kept) if (s.url, s.circle) == (session.url, session.circle)]
        others = [s for place, s in enumerate(kept) if place not in places]
        others.insert(0 if current else (places or [len(others)])[0], session)
        self._write(others)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time: a refresh token used twice would end the session."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> list[Session]:
        try:
            document: list[dict[str, Any]] = json.loads(self.path.read_text())["sessions"]
            return [Session(**entry) for entry in document]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Stop(f"cannot read the stored sessions in {self.path}", f"mend or remove {self.path}") from error

    def _write(self, sessions: list[Session]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".sessions-")  # 0600 from its first byte on
        with os.fdopen(handle, "w") as file:
            json.dump({"sessions": [asdict(session) for session in sessions]}, file, indent=1)
        Path(name).replace(self.path)


def expiry(expires_in: float) -> str:
    """The moment so many seconds from now, as a session keeps it."""
    return (datetime.now(UTC) + timedelta(seconds=expires_in)).isoformat()


def stored_sessions() -> Sessions:
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Sessions(Path(base) / "triform" / "sessions.json")
