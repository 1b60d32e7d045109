"""The room put together: everything about who may do what, from what the wiring provides."""

from dataclasses import dataclass
from pathlib import Path

from triform.circles.credential_store import CredentialStore
from triform.circles.credentials import Credentials
from triform.circles.keyring import Keyring
from triform.circles.links import Claim, FirstAdmin, LoginLinks
from triform.circles.operations import CircleOperations
from triform.circles.passwords import Passwords
from triform.circles.provision import CircleElement, Grant, Provision
from triform.circles.sessions import Sessions
from triform.circles.sign_in import SignIn
from triform.circles.store import CircleStore
from triform.circles.tokens import AccessTokens
from triform.clock import Clock
from triform.ids import Ids
from triform.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the room stands on. `known_operations`: every name a key's scopes may have."""

    database: Database
    data_dir: Path
    clock: Clock
    ids: Ids
    element: CircleElement
    wallet: Grant
    grant_micro_au: int
    dev_mode: bool
    known_operations: frozenset[str]
    passwords: Passwords | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """`claim` and `first_admin` are None in dev mode, where nobody needs a password."""

    keyring: Keyring
    credentials: Credentials
    sessions: Sessions
    sign_in: SignIn
    claim: Claim | None
    first_admin: FirstAdmin | None
    operations: CircleOperations

    @classmethod
    def on(cls, ground: Ground) -> "Access":
        """Opens the keyring; otherwise does nothing yet. Raises KeyFileRefused."""
        database, clock, ids = ground.database, ground.clock, ground.ids
        keyring = Keyring.open(ground.data_dir)
        store, keys, tokens = (
            CircleStore(clock, ids),
            CredentialStore(clock, ids),
            AccessTokens(keyring, clock, ids),
        )
        credentials = Credentials(database, keys, tokens, clock)
        sessions = Sessions(database, keys, tokens, credentials, clock)
        provision = Provision(store, keyring, ground.element, ground.wallet, ground.grant_micro_au)
        passwords = ground.passwords or Passwords()
        links = None if ground.dev_mode else LoginLinks(clock)
        return cls(
            keyring=keyring,
            credentials=credentials,
            sessions=sessions,
            sign_in=SignIn(database, store, provision, sessions, passwords, clock),
            claim=Claim(database, store, links, provision, sessions, passwords) if links else None,
            first_admin=FirstAdmin(database, store, links, ground.data_dir) if links else None,
            operations=CircleOperations(store, keys, credentials, links, ground.known_operations, clock, ids),
        )
