"""A room of circles over a test's database, without the nouns above it."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from argon2 import PasswordHasher

from triform.circles.credential_store import CredentialStore
from triform.circles.credentials import Credentials
from triform.circles.keyring import Keyring
from triform.circles.links import Claim, FirstAdmin, LoginLinks
from triform.circles.model import Circle
from triform.circles.operations import CircleOperations
from triform.circles.passwords import Passwords
from triform.circles.provision import Provision
from triform.circles.sessions import Sessions
from triform.circles.sign_in import SignIn
from triform.circles.store import CircleStore
from triform.circles.tokens import AccessTokens
from triform.clock import Clock
from triform.ids import Ids
from triform.storage.database import Database, Transaction

GRANT_MICRO_AU = 100
KNOWN_OPERATIONS = frozenset({"invoke", "get", "token_create", "members"})

_ELEMENT = """
INSERT INTO elements
    (id, circle_id, slug, element_type, name, state, enabled_state, version, spec, meta, created_at, updated_at)
VALUES ($1, $1, $2, 'tenant', $2, 'ready', 'ready', 1, '{}', '{}', $3, $3)
"""


class ElementRow:
    """The least that stands for a circle."""

    async def create(self, tx: Transaction, circle: Circle) -> None:
        await tx.execute(_ELEMENT, circle.id, circle.name, circle.created_at)


class WalletRow:
    """A wallet without a ledger behind it."""

    async def grant(self, tx: Transaction, circle_id: UUID, amount_micro_au: int) -> None:
        await tx.execute(
            "INSERT INTO wallets (circle_id, balance_micro_au) VALUES ($1, $2)", circle_id, amount_micro_au
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The room's parts. `claim` and `first_admin` are None in dev mode, where nobody needs a password."""

    keyring: Keyring
    credentials: Credentials
    sessions: Sessions
    sign_in: SignIn
    claim: Claim | None
    first_admin: FirstAdmin | None
    operations: CircleOperations


def small_access(database: Database, data_dir: Path, clock: Clock, ids: Ids, *, dev_mode: bool = True) -> Access:
    """Everything real but the element, the wallet and the cost of a password. Two of them are two processes."""
    keyring, store, keys = Keyring.open(data_dir), CircleStore(clock, ids), CredentialStore(clock, ids)
    tokens = AccessTokens(keyring, clock, ids)
    credentials = Credentials(database, keys, tokens, clock)
    sessions = Sessions(database, keys, tokens, credentials, clock)
    provision = Provision(store, keyring, ElementRow(), WalletRow(), GRANT_MICRO_AU)
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    links = None if dev_mode else LoginLinks(clock)
    return Access(
        keyring=keyring,
        credentials=credentials,
        sessions=sessions,
        sign_in=SignIn(database, store, provision, sessions, passwords, clock),
        claim=Claim(database, store, links, provision, sessions, passwords) if links else None,
        first_admin=FirstAdmin(database, store, links, data_dir) if links else None,
        operations=CircleOperations(store, keys, credentials, links, KNOWN_OPERATIONS, clock, ids),
    )
