"""Elements in Postgres. Every method takes what speaks SQL first: a transaction, or the database itself."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from triform.circles.model import Actor
from triform.elements.model import Deployment, Element, Pin, State, Tip, Version
from triform.elements.rows import bundled, element_from_row, pinned
from triform.elements.source import Change
from triform.elements.specs import decode, decode_secrets, digest, encode, encode_secrets
from triform.elements.vault import Sealed
from triform.storage.database import Row, Statements, Transaction
from triform.storage.queries import load

Speaks: TypeAlias = Transaction | Statements

_QUERIES = load(__file__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which children to list; None = all. `q` is a part of slug or name, whatever its case."""

    types: Sequence[str] | None = None
    states: Sequence[str] | None = None
    q: str | None = None


class ElementStore:
    """Rows in, rows out; rules are elsewhere. Nothing here finds an element of another circle."""

    async def find_by_slug(self, db: Speaks, circle_id: UUID, slug: str) -> Element | None:
        """The living element of this slug."""
        return _found(await db.fetchrow(_QUERIES["find_by_slug"], circle_id, slug))

    async def find_by_id(self, db: Speaks, circle_id: UUID, element_id: UUID) -> Element | None:
        """The living element of this id; the circle's own id finds the circle."""
        return _living(await db.fetchrow(_QUERIES["find_by_id"], circle_id, element_id))

    async def lock(self, tx: Transaction, circle_id: UUID, element_id: UUID) -> Element | None:
        """The living element, unchanged by others until the transaction ends."""
        return _living(await tx.fetchrow(_QUERIES["lock"], circle_id, element_id))

    async def lock_for_delete(self, tx: Transaction, circle_id: UUID, element_id: UUID) -> Element | None:
        """As `lock`; moreover no child can be created meanwhile."""
        return _living(await tx.fetchrow(_QUERIES["lock_for_delete"], circle_id, element_id))

    async def lock_parent(self, tx: Transaction, circle_id: UUID, element_id: UUID) -> bool:
        """Whether the element lives; if so it cannot be deleted until the transaction ends."""
        state = await tx.fetchval(_QUERIES["lock_parent"], circle_id, element_id)
        return state is not None and state != State.deleted

    async def insert(self, tx: Transaction, element: Element, reserved_slots: int = 0) -> bool:
        """False when a living element of the circle has the slug; the transaction stays usable."""
        inserted = await tx.fetchval(
            _QUERIES["insert"],
            element.id,
            element.circle_id,
            element.parent_id,
            element.slug,
            element.element_type,
            element.name,
            element.intention,
            element.state,
            element.enabled_state,
            element.version,
            reserved_slots,
            encode(element.spec),
            encode(element.meta),
            element.created_at,
            element.updated_at,
            encode_secrets(element.secrets),
        )
        return inserted is not None

    async def update(self, tx: Transaction, element: Element, reserved_slots: int = 0) -> bool:
        """Writes `element` as the version after the stored one; False when it is not (lock first)."""
        touched = await tx.execute(
            _QUERIES["update"],
            element.id,
            element.name,
            element.intention,
            encode(element.spec),
            element.version,
            element.state,
            element.enabled_state,
            reserved_slots,
            element.updated_at,
            encode_secrets(element.secrets),
        )
        return touched == 1

    async def set_state(self, tx: Transaction, element: Element) -> None:
        await tx.execute(
            _QUERIES["set_state"], element.id, element.state, element.enabled_state, element.updated_at
        )

    async def set_meta(self, tx: Transaction, element: Element) -> None:
        await tx.execute(_QUERIES["set_meta"], element.id, encode(element.meta), element.updated_at)

    async def children(
        self, db: Speaks, parent_id: UUID, wanted: Wanted | None = None, *, limit: int = 50, offset: int = 0
    ) -> tuple[list[Element], int]:
        """A page of living children by slug, and how many there are in all."""
        filters = astuple(wanted or Wanted())
        rows = await db.fetch(_QUERIES["children"], parent_id, *filters, limit, offset)
        if rows:
            return [element_from_row(row) for row in rows], rows[0]["total"]
        return [], await db.fetchval(_QUERIES["count_children"], parent_id, *filters) if offset else 0

    async def after(
        self, db: Speaks, circle_id: UUID, types: Sequence[str], slug: str, limit: int
    ) -> list[Element]:
        """Living elements of these types by slug, from behind `slug` on."""
        return [element_from_row(row) for row in await db.fetch(_QUERIES["after"], circle_id, types, slug, limit)]

    async def types_in(self, db: Speaks, circle_id: UUID) -> list[str]:
        """The types of a circle's living elements, its own among them."""
        return [row["element_type"] for row in await db.fetch(_QUERIES["types_in"], circle_id)]

    async def insert_version(
        self, tx: Transaction, element: Element, actor: Actor, summary: str, commit: str | None
    ) -> None:
        """What the element now is, as a version of its own."""
        await tx.execute(
            _QUERIES["insert_version"],
            element.id,
            element.version,
            element.name,
            element.intention,
            encode(element.spec),
            digest(element.spec),
            actor.kind,
            actor.id,
            summary,
            element.updated_at,
            encode_secrets(element.secrets),
            commit,
        )

    async def set_commit(self, tx: Transaction, element_id: UUID, version: int, commit: str) -> None:
        await tx.execute(_QUERIES["set_commit"], element_id, version, commit)

    async def set_tip(self, tx: Transaction, element_id: UUID, branch: str, tip: Tip) -> None:
        await tx.execute(_QUERIES["set_tip"], element_id, branch, tip.commit, tip.version)

    async def changes_after(self, db: Speaks, element: Element, version: int) -> list[Change]:
        """How the element came to be what it is, from one version on (0 = from the beginning), oldest first."""
        rows = await db.fetch(_QUERIES["versions_after"], element.id, version)
        return [_change(element, row) for row in rows]

    async def earlier_secret(self, db: Speaks, element_id: UUID, name: str, digest: str) -> Sealed | None:
        """The value of this digest under this name, as the latest version that had it kept it."""
        for row in await db.fetch(_QUERIES["secrets_of_versions"], element_id):
            found = decode_secrets(row["secrets"]).get(name)
            if found is not None and found.digest == digest:
                return found
        return None

    async def forget_secrets(self, tx: Transaction, element_id: UUID) -> None:
        """No version of the element has any values left."""
        await tx.execute(_QUERIES["forget_secrets"], element_id)

    async def versions(self, db: Speaks, element_id: UUID, limit: int) -> list[Version]:
        """Newest first."""
        return [_version(row) for row in await db.fetch(_QUERIES["versions"], element_id, limit)]

    async def at_version(self, db: Speaks, element: Element, version: int) -> Element | None:
        """The element with name, intention and spec as they were at a version, None when it never had it."""
        if version == element.version:
            return element
        row = await db.fetchrow(_QUERIES["find_version"], element.id, version)
        if row is None:
            return None
        return element.evolve(
            version=version,
            name=row["name"],
            intention=row["intention"],
            spec=decode(row["spec"]),
            runtime_image=pinned(row, version),
            bundled=bundled(row),
            secrets=decode_secrets(row["secrets"]),
            commit=row["commit_id"],
        )

    async def insert_deployment(self, tx: Transaction, element_id: UUID, deployment: Deployment) -> None:
        await tx.execute(
            _QUERIES["insert_deployment"],
            element_id,
            deployment.version,
            deployment.deploy_id,
            deployment.runtime_image,
            deployment.lock,
            deployment.bundle,
            deployment.created_at,
            deployment.requirements,
            deployment.fetched_from,
            deployment.fetched_commit,
        )

    async def set_deployed(self, tx: Transaction, element_id: UUID, version: int, at: datetime) -> bool:
        """Whether the element is still at that version, and so is deployed now."""
        return await tx.fetchval(_QUERIES["set_deployed"], element_id, version, at) is not None

    async def carry_deployment(self, tx: Transaction, element: Element) -> None:
        """Makes this version, which is stored already, as deployed as the one before it."""
        await tx.execute(_QUERIES["carry_deployment"], element.id, element.version)

    async def deployment(self, db: Speaks, element_id: UUID, version: int) -> Deployment | None:
        """What the last deploy of a version pinned."""
        row = await db.fetchrow(_QUERIES["find_deployment"], element_id, version)
        return Deployment(**{**row, "requirements": tuple(row["requirements"])}) if row else None

    async def pins(self, db: Speaks) -> tuple[Pin, ...]:
        """What deploys pinned, of all circles."""
        return tuple(Pin(**dict(row)) for row in await db.fetch(_QUERIES["pins"]))

    async def bundles(self, db: Speaks) -> frozenset[str]:
        """Digests of the bundles that deploys pinned, of all circles."""
        return frozenset(row["bundle"] for row in await db.fetch(_QUERIES["bundles"]))

    async def insert_event(self, tx: Transaction, row: tuple[Any, ...]) -> None:
        """The columns of an event in the order of the query."""
        await tx.execute(_QUERIES["insert_event"], *row)


def _found(row: Row | None) -> Element | None:
    return element_from_row(row) if row else None


def _living(row: Row | None) -> Element | None:
    element = _found(row)
    return None if element is None or element.state is State.deleted else element


def _version(row: Row) -> Version:
    return Version(
        version=row["version"],
        created_at=row["created_at"],
        actor=Actor(row["actor_kind"], row["actor_id"]),
        summary=row["summary"],
        spec_digest=row["spec_digest"],
        commit=row["commit_id"],
    )


def _change(element: Element, row: Row) -> Change:
    return Change(
        element=element.evolve(
            version=row["version"],
            name=row["name"],
            intention=row["intention"],
            spec=decode(row["spec"]),
            updated_at=row["created_at"],
        ),
        actor=Actor(row["actor_kind"], row["actor_id"]),
        summary=row["summary"],
        commit=row["commit_id"],
    )
