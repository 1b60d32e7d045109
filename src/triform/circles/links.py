"""One-time links that set a password: the first admin's, and those of invited identities.

A link is `/api/auth/first#tril_…`. The secret is the fragment, which browsers send to nobody: it reaches no
server log and no Referer. Only its hash is stored.
"""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

from triform.circles.model import Circle, Identity, SignedIn
from triform.circles.names import circle_name, identity_name
from triform.circles.opaque import LOGIN_LINK, digest_of, mint
from triform.circles.passwords import Passwords
from triform.circles.passwords import password as checked_password
from triform.circles.private_file import replace_private
from triform.circles.provision import Provision
from triform.circles.sessions import Sessions
from triform.circles.store import QUERIES, CircleStore, Speaks
from triform.clock import Clock
from triform.errors import Complaint, InvalidInput, Suggestion, Unauthenticated
from triform.storage.database import Database, Row, Transaction

PATH = "/api/auth/first"
LIFETIME = timedelta(days=7)


class LoginLinks:
    """The rows of `login_links`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def add(self, db: Speaks, identity_id: UUID | None = None, circle_id: UUID | None = None) -> str:
        """A new link, shown once; without identity and circle it is the first admin's."""
        secret, now = mint(LOGIN_LINK), self._clock.now()
        await db.execute(QUERIES["add_link"], secret.digest, identity_id, circle_id, now, now + LIFETIME)
        return f"{PATH}#{secret.text}"

    async def is_open(self, db: Speaks, link: str) -> bool:
        digest = digest_of(_secret(link), LOGIN_LINK)
        return digest is not None and bool(await db.fetchval(QUERIES["link_is_open"], digest, self._clock.now()))

    async def use(self, tx: Transaction, link: str) -> Row:
        """`identity_id` and `circle_id` of a link, used up with its siblings. Raises Unauthenticated."""
        digest = digest_of(_secret(link), LOGIN_LINK)
        if digest is None:
            raise closed()
        await tx.fetch(QUERIES["lock_links"], digest)
        row = await tx.fetchrow(QUERIES["use_link"], digest, self._clock.now())
        if row is None:
            raise closed()
        await tx.execute(QUERIES["close_links"], row["identity_id"], self._clock.now())
        return row


class Claim:
    """Redeems links: sets the password and signs in."""

    def __init__(
        self,
        database: Database,
        store: CircleStore,
        links: LoginLinks,
        provision: Provision,
        sessions: Sessions,
        passwords: Passwords,
    ) -> None:
        self._database = database
        self._store = store
        self._links = links
        self._provision = provision
        self._sessions = sessions
        self._passwords = passwords

    async def redeem(
        self, link: str, password: str, identity: str | None = None, circle: str | None = None
    ) -> SignedIn:
        """Sets the password of whom the link is for and signs in; the link is used up.

        The first admin chooses `identity`, and `circle` (default: the identity's own name), which is made if
        absent. Raises Unauthenticated for a link that is unknown, used or too old; InvalidInput; NameTaken.
        """
        checked_password(password)
        if not await self._links.is_open(self._database, link):
            raise closed()
        password_hash = await self._passwords.hash(password)
        async with self._database.transaction() as tx:
            row = await self._links.use(tx, link)
            if row["identity_id"] is None:
                return await self._first_admin(tx, identity, circle, password_hash)
            return await self._invited(tx, row, password_hash)

    async def _first_admin(
        self, tx: Transaction, identity: str | None, circle: str | None, password_hash: str
    ) -> SignedIn:
        await tx.execute(QUERIES["lock_first_admin"])
        if await self._store.admin_can_sign_in(tx):
            raise closed()
        name = identity_name(identity)
        person, _ = await self._store.ensure_identity(tx, name)
        if await self._store.set_first_password(tx, person.id, password_hash) is None:
            rule = "has a password already"
            raise InvalidInput(f"identity: {rule}.", errors=(Complaint("/identity", rule),))
        return await self._sessions.open(tx, await self._entered(tx, person, circle or name), person)

    async def _entered(self, tx: Transaction, person: Identity, circle: str) -> Circle:
        name = circle_name(circle)
        return await self._store.entry(tx, person.id, name) or await self._provision.create(tx, name, person)

    async def _invited(self, tx: Transaction, row: Row, password_hash: str) -> SignedIn:
        name = await self._store.set_first_password(tx, row["identity_id"], password_hash)
        circle = await self._store.membership(tx, row["circle_id"], row["identity_id"])
        if name is None or circle is None:
            raise closed()
        return await self._sessions.open(tx, circle, Identity(row["identity_id"], name))


class FirstAdmin:
    """Leaves the way in for the first admin in a file that only the server's owner can read."""

    def __init__(self, database: Database, store: CircleStore, links: LoginLinks, data_dir: Path) -> None:
        self._database = database
        self._store = store
        self._links = links
        self.file = data_dir / "first-admin.txt"

    async def offer(self, base_url: str) -> Path | None:
        """The file with the link; None, and no file, once an admin can sign in. Call it at every start.

        A link that is still good is kept. Only a password makes an admin one who can sign in: circles from
        the time before passwords were asked for do not lock everybody out.
        """
        if await self._store.admin_can_sign_in(self._database):
            self.withdraw()
            return None
        if not await self._still_good():
            self._write(base_url.rstrip("/") + await self._links.add(self._database))
        return self.file

    def withdraw(self) -> None:
        """The link has been used: remove the file."""
        self.file.unlink(missing_ok=True)

    async def _still_good(self) -> bool:
        try:
            text = self.file.read_text(encoding="utf-8")
        except (FileNotFoundError, UnicodeDecodeError):
            return False
        return bool(text.split()) and await self._links.is_open(self._database, text.split()[0])

    def _write(self, link: str) -> None:
        replace_private(self.file, f"{link}\n\n{_EXPLANATION}".encode())


def closed() -> Unauthenticated:
    return Unauthenticated("This link is unknown, was used before, or is too old.", suggestion=_CLOSED)


def _secret(link: str) -> str:
    """The link's secret, whether the whole link or the secret alone was given."""
    return link.strip().rpartition("#")[2]


_EXPLANATION = """\
Open this link in a browser, once, to make the first admin. Or, without a browser:

  curl -H 'Content-Type: application/json' -d '{"link": "<the link above>", "identity": "you",
    "password": "<10 characters or more>", "circle_name": "your-circle"}' <the link up to the #>
"""
_CLOSED = Suggestion(
    why="Each link works once and for seven days.",
    fix="Restart the server for a new first-admin link (while there is no admin), or ask an admin of your circle.",
)
