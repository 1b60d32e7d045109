"""What whoever runs a server may do beside it, on its machine and with its files, whether it runs or not."""

from collections.abc import Sequence

from triform.circles.passwords import Passwords
from triform.circles.reset import reset_password
from triform.clock import SystemClock
from triform.elements.model import Pin
from triform.elements.store import ElementStore
from triform.errors import NotFound, Suggestion
from triform.settings import Settings
from triform.storage.opening import reached


async def pins(settings: Settings) -> Sequence[Pin]:
    """The runtime images that deploys of this instance pinned. Raises DatabaseUnavailable."""
    async with reached(_dsn(settings), settings.data_dir / "postgres") as database:
        return await ElementStore().pins(database) if database else ()


async def set_password(settings: Settings, identity: str, password: str) -> int:
    """Sets an identity's password; how many of its sessions ended with that.

    Raises NotFound, InvalidInput and DatabaseUnavailable.
    """
    async with reached(_dsn(settings), settings.data_dir / "postgres") as database:
        if database is None:
            raise NotFound(f"There is no instance in {settings.data_dir}.", suggestion=_ELSEWHERE)
        return await reset_password(database, Passwords(), SystemClock(), identity, password)


def _dsn(settings: Settings) -> str | None:
    return settings.database_url.get_secret_value() if settings.database_url else None


_ELSEWHERE = Suggestion(
    why="An instance keeps its database in its data folder, or where TRIFORM_DATABASE_URL says.",
    fix="Name the instance's data folder with --data-dir or TRIFORM_DATA_DIR.",
)
