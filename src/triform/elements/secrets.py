"""Secret values in a spec: `{"secret": true, "value": "…"}` goes in, `{"secret": true, "digest": "…"}` is all
that is ever shown or kept in readable form.

    concealed   a posted spec without its values; they travel beside it, in memory
    adopted     what names no digest keeps the present one (`secret_places`)
    settled     every digest stands for a value that came along or was stored for this element and this name
    revealed    the values, for whoever starts user code

A digest names a value of one element under one name; anywhere else it names nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from triform.chemistry.element_type import ElementType
from triform.elements import secret_places as places
from triform.elements.errors import InvalidSpec
from triform.elements.model import Element
from triform.elements.store import ElementStore, Speaks
from triform.elements.vault import Sealed, Vault
from triform.errors import Complaint, Suggestion

SHORTEST_BYTES = 8
LONGEST_BYTES = 64 << 10
MOST = 50
"""Secret values of one element: what a run prints is searched for each of them."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A spec without its secret values, and the values by name."""

    spec: Any
    values: Mapping[str, str] = field(repr=False)


class Secrets:
    def __init__(self, vault: Vault, store: ElementStore) -> None:
        self._vault = vault
        self._store = store

    def concealed(self, element_type: ElementType, circle_id: UUID, spec: Any) -> Offered:
        """A value that cannot be taken (too short, no text) stays where it is; `settled` refuses it."""
        values = {name: posted["value"] for name, posted in places.secrets_of(element_type, spec) if _good(posted)}
        named = {
            name: {"secret": True, "digest": self._vault.digest(circle_id, name, value)}
            for name, value in values.items()
        }
        return Offered(places.replaced(element_type, spec, named), values)

    async def settled(
        self, db: Speaks, element_type: ElementType, element: Element, values: Mapping[str, str]
    ) -> Element:
        """`element`, whose `secrets` are those it had before, with the ones its spec names.

        Raises InvalidSpec for a value that cannot be taken and for a digest that names none.
        """
        wanted = places.secrets_of(element_type, element.spec)
        if not wanted:
            return element.evolve(secrets={}) if element.secrets else element
        found: dict[str, Sealed] = {}
        complaints = [Complaint(places.pointer(element_type), _TOO_MANY)] if len(wanted) > MOST else []
        for name, posted in wanted:
            if (wrong := _wrong(posted)) is not None:
                complaints.append(Complaint(places.pointer(element_type, name), wrong))
                continue
            sealed = await self._sealed(db, element, name, posted.get("digest"), values.get(name))
            if sealed is None:
                complaints.append(Complaint(places.pointer(element_type, name), _unknown(posted)))
            else:
                found[name] = sealed
        if complaints:
            raise _refused(complaints)
        return element.evolve(secrets=found)

    async def unknown(self, db: Speaks, element_type: ElementType, element: Element) -> list[str]:
        """The secrets of its spec, by name, that have no value here."""
        named = [(name, posted.get("digest")) for name, posted in places.secrets_of(element_type, element.spec)]
        return [name for name, told in named if await self._sealed(db, element, name, told, None) is None]

    def revealed(self, element: Element) -> dict[str, str]:
        """The values by name. Raises SecretUnreadable."""
        return {
            name: self._vault.open(sealed.box, _owner(element.id, name)).decode()
            for name, sealed in element.secrets.items()
        }

    def seal_input(self, run_id: UUID, body: bytes) -> bytes:
        """The exact input of one run, for that run alone."""
        return self._vault.seal(body, run_id.bytes)

    def open_input(self, run_id: UUID, box: bytes) -> bytes:
        """Raises SecretUnreadable."""
        return self._vault.open(box, run_id.bytes)

    def fingerprint(self, data: bytes) -> bytes:
        """Tells whether two texts are the same; without the key it tells nothing else."""
        return self._vault.fingerprint(data)

    async def _sealed(
        self, db: Speaks, element: Element, name: str, digest: Any, value: str | None
    ) -> Sealed | None:
        if value is not None and digest == self._vault.digest(element.circle_id, name, value):
            return Sealed(digest, self._vault.seal(value.encode(), _owner(element.id, name)))
        present = element.secrets.get(name)
        if present is not None and present.digest == digest:
            return present
        return await self._store.earlier_secret(db, element.id, name, digest) if digest else None


def _owner(element_id: UUID, name: str) -> bytes:
    return element_id.bytes + name.encode()


def _good(posted: Mapping[str, Any]) -> bool:
    return "value" in posted and _wrong_value(posted["value"]) is None and posted.get("secret") is True


def _wrong(posted: Mapping[str, Any]) -> str | None:
    """What is wrong with a secret that should be no more than a digest by now."""
    if posted.get("secret") is not True:
        return 'a secret says "secret": true'
    return _wrong_value(posted["value"]) or "the value came too late to be taken" if "value" in posted else None


def _wrong_value(value: Any) -> str | None:
    try:
        size = len(value.encode()) if isinstance(value, str) else -1
    except UnicodeEncodeError:
        size = -1
    if size < 0:
        return "the value of a secret is a text"
    if size < SHORTEST_BYTES:
        return f"the value of a secret has {SHORTEST_BYTES} bytes or more: shorter ones cannot be kept out of logs"
    if size > LONGEST_BYTES:
        return f"the value of a secret has at most {LONGEST_BYTES} bytes"
    return "the value of a secret has no NUL characters" if "\0" in value else None


def _unknown(posted: Mapping[str, Any]) -> str:
    if posted.get("digest") is None:
        return "there is no stored value to keep; give one"
    return "this digest names no value that was ever stored for this element under this name; give the value"


_TOO_MANY = f"an element has at most {MOST} secret values"


def _refused(complaints: list[Complaint]) -> InvalidSpec:
    more = f" (and {len(complaints) - 1} more)" if len(complaints) > 1 else ""
    return InvalidSpec(
        f"{complaints[0].pointer}: {complaints[0].message}{more}",
        errors=tuple(complaints),
        suggestion=Suggestion(
            why="A secret is stored for one element under one name, and nobody is ever shown its value.",
            fix='Send {"secret": true, "value": "…"} to set it, {"secret": true} to keep what is stored.',
            code="SECRET_VALUE",
            op="update",
        ),
    )
