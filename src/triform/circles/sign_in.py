"""Signing in: without a password in dev mode, else with one.

An identity enters only circles it is a member of. A circle is made when an identity signs in that has none, and
in dev mode whenever a name is asked for that nobody has taken.
"""

import ipaddress

from triform.circles.errors import NameTaken, TooManySignIns
from triform.circles.model import Circle, Identity, SignedIn
from triform.circles.names import circle_name, identity_name
from triform.circles.passwords import Passwords
from triform.circles.provision import Provision
from triform.circles.sessions import Sessions
from triform.circles.store import CircleStore
from triform.circles.throttle import Throttle
from triform.clock import Clock
from triform.errors import InvalidInput, NotFound, Suggestion, Unauthenticated
from triform.storage.database import Database, Transaction


class SignIn:
    def __init__(
        self,
        database: Database,
        store: CircleStore,
        provision: Provision,
        sessions: Sessions,
        passwords: Passwords,
        clock: Clock,
    ) -> None:
        self._database = database
        self._store = store
        self._provision = provision
        self._sessions = sessions
        self._passwords = passwords
        self._guesses = Throttle(clock, burst=5, every_s=10)
        self._arrivals = Throttle(clock, burst=50, every_s=1)

    async def dev(self, circle: str, identity: str | None = None) -> SignedIn:
        """Enter `circle` as the identity of that name, or as `identity`; made if absent.

        Raises InvalidInput, and NotFound for a circle that exists and has no such member.
        """
        circle = circle_name(circle)
        identity = identity_name(identity) if identity is not None else circle
        async with self._database.transaction() as tx:
            person, _ = await self._store.ensure_identity(tx, identity)
            entered = await self._store.entry(tx, person.id, circle)
            try:
                entered = entered or await self._made(tx, circle, person)
            except NameTaken:
                raise NotFound(suggestion=_NO_MEMBER) from None
            return await self._sessions.open(tx, entered, person)

    async def login(self, identity: str, password: str, circle: str | None, address: str) -> SignedIn:
        """Enter `circle`, or the identity's own. Raises Unauthenticated, TooManySignIns, NotFound, InvalidInput.

        Nothing tells an unknown identity from a wrong password, neither the answer nor the time it takes.
        """
        circle = circle_name(circle, "/circle") if circle is not None else None
        key = self._admit(identity, address)
        person = await self._person(identity)
        if not await self._passwords.verify(person.password_hash if person else None, password) or person is None:
            raise Unauthenticated("The identity or the password is wrong.", suggestion=_WRONG)
        self._guesses.forgive(key)
        async with self._database.transaction() as tx:
            return await self._sessions.open(tx, await self._entered(tx, person, circle), person)

    def _admit(self, identity: str, address: str) -> str:
        network = network_of(address)
        key = f"{network} {identity[:120].lower()}"
        wait_s = self._arrivals.take(network) or self._guesses.take(key)
        if wait_s:
            raise TooManySignIns(wait_s)
        return key

    async def _person(self, identity: str) -> Identity | None:
        try:
            return await self._store.identity(self._database, identity_name(identity))
        except InvalidInput:  # Nobody has such a name; that must take as long as any other wrong one.
            return None

    async def _entered(self, tx: Transaction, person: Identity, circle: str | None) -> Circle:
        entered = await (self._store.entry(tx, person.id, circle) if circle else self._store.home(tx, person))
        if entered:
            return entered
        if await self._store.home(tx, person):
            raise NotFound(suggestion=_NO_MEMBER)
        return await self._made(tx, circle or circle_name(person.name, "/circle"), person)

    async def _made(self, tx: Transaction, circle: str, person: Identity) -> Circle:
        """A new circle; when the same identity was just making it elsewhere, that one. Raises NameTaken."""
        try:
            return await self._provision.create(tx, circle, person)
        except NameTaken:
            made_meanwhile = await self._store.entry(tx, person.id, circle)
            if made_meanwhile is None:
                raise
            return made_meanwhile


def network_of(address: str) -> str:
    """What counts as one caller: an IPv4 address, or the /64 an IPv6 address is in."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


_NO_MEMBER = Suggestion(
    why="There is no circle of this name that this identity is a member of.",
    fix="Ask an admin of the circle to make you a member; in dev mode name the member with `identity`.",
    op="member_set",
    example={"circle_name": "acme", "identity": "bob"},
)
_WRONG = Suggestion(
    why="No identity has this name and this password.",
    fix="Check both; an admin of your circle can tell you the name you are a member by.",
)
