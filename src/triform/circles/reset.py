"""A password set by whoever runs the server, for somebody who has lost theirs."""

from triform.circles.names import identity_name
from triform.circles.passwords import Passwords
from triform.circles.passwords import password as checked_password
from triform.circles.store import QUERIES
from triform.clock import Clock
from triform.errors import NotFound, Suggestion
from triform.storage.database import Database


async def reset_password(
    database: Database, passwords: Passwords, clock: Clock, identity: str, password: str
) -> int:
    """Sets the password and ends the identity's sessions; how many that were.

    Raises NotFound when nobody has this name, InvalidInput for a password that is too short.
    """
    name = identity_name(identity)
    password_hash = await passwords.hash(checked_password(password))
    async with database.transaction() as tx:
        identity_id = await tx.fetchval(QUERIES["reset_password"], name, password_hash)
        if identity_id is None:
            raise NotFound(f"There is no identity {name}.", suggestion=_NOBODY)
        return await tx.execute(QUERIES["revoke_sessions_of"], identity_id, clock.now())


_NOBODY = Suggestion(
    why="An identity exists once somebody has signed in as it, or an admin has made it a member of a circle.",
    fix="Check the name; the operation members lists those of a circle.",
)
