"""A new element in a circle."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.element_type import ElementType
from triform.clock import Clock
from triform.elements import bounds
from triform.elements.checking import CheckedSpec, SpecCheck, raise_any
from triform.elements.errors import ChildrenNotAllowed, SlugTaken, UnknownElementType
from triform.elements.model import Element, State
from triform.elements.paths import check_slug
from triform.elements.request import Request
from triform.elements.secrets import Secrets
from triform.elements.show import element_json, etag, event_json
from triform.elements.specs import reserved_slots
from triform.elements.store import ElementStore
from triform.elements.versions import Versions
from triform.errors import Complaint, NotFound, Suggestion
from triform.ids import Ids
from triform.reply import Reply
from triform.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything about the new element that needs no transaction to know."""

    element_type: ElementType
    checked: CheckedSpec


class Create:
    """`{element_type, slug, name?, spec?, intention?, meta?}` → the element, 201, `Location`, `ETag`."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: ElementStore,
        versions: Versions,
        spec_check: SpecCheck,
        secrets: Secrets,
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._versions = versions
        self._spec_check = spec_check
        self._secrets = secrets
        self._ids = ids
        self._clock = clock

    async def prepare(self, call: Request) -> Draft:
        """Raises ChildrenNotAllowed, UnknownElementType, InvalidInput, InvalidSpec, the error of the code."""
        if not call.type.accepts_children:
            raise ChildrenNotAllowed(f"An element of type '{call.type.name}' cannot contain others.")
        element_type = self._type(call.argument("element_type"))
        raise_any(_complaints(call))
        return Draft(element_type, await self._spec_check.check(element_type, _given(call, "spec", {})))

    async def __call__(self, call: Request, tx: Transaction, prepared: Draft) -> Reply:
        """Raises SlugTaken, InvalidSpec for its secrets, and NotFound when the parent has gone meanwhile."""
        parent = call.element
        if not await self._store.lock_parent(tx, parent.circle_id, parent.id):
            raise NotFound()
        element = self._element(call, prepared)
        element = await self._secrets.settled(tx, prepared.element_type, element, call.secrets)
        slots = reserved_slots(prepared.element_type, element.spec)
        if not await self._store.insert(tx, element, slots):
            raise SlugTaken(f"The slug '{element.slug}' is taken.")
        summary = call.brought.summary if call.brought else "created"
        added = await self._versions.add(tx, element, call.principal.actor, summary, call.brought)
        return Reply(
            element_json(element, prepared.element_type, (*prepared.checked.warnings, *added.warnings)),
            {"Location": f"/api/{element.path}", **etag(element)},
            (("element.created", event_json(element)),),
            after_commit=added.after_commit,
        )

    def _type(self, name: Any) -> ElementType:
        found = self._catalogue.find(name) if isinstance(name, str) else None
        if found is not None and not found.tenant:
            return found
        raise UnknownElementType(
            _not_creatable(name) if found else f"There is no element type named {str(name)[:80]!r}.",
            errors=(Complaint("/element_type", "this names a type of element that can be created"),),
            suggestion=self._types_to_choose(str(name)),
        )

    def _types_to_choose(self, name: str) -> Suggestion:
        known = sorted(each.name for each in self._catalogue.types.values() if not each.tenant)
        near = get_close_matches(name[:80].lower(), known, n=3, cutoff=0.5)
        return Suggestion(
            why="The type decides what an element can do.",
            fix=f"Use {' or '.join(near)}." if near else f"Use one of: {', '.join(known)}.",
            example={"element_type": (near or known or ["…"])[0]},
        )

    def _element(self, call: Request, draft: Draft) -> Element:
        slug: str = call.argument("slug")
        now = self._clock.now()
        return Element(
            id=self._ids.new(),
            circle_id=call.element.circle_id,
            circle_name=call.element.circle_name,
            parent_id=call.element.id,
            slug=slug,
            element_type=draft.element_type.name,
            name=_given(call, "name", _name_of(slug)),
            intention=_given(call, "intention", ""),
            state=State.ready,
            enabled_state=State.ready,
            version=1,
            spec=draft.checked.spec,
            meta=_given(call, "meta", {}),
            created_at=now,
            updated_at=now,
        )


def _complaints(call: Request) -> Iterator[Complaint]:
    wrong = check_slug(call.argument("slug"))
    if wrong:
        yield wrong
    yield from bounds.check_name(_given(call, "name", "…"))
    yield from bounds.check_intention(_given(call, "intention", ""))
    yield from bounds.check_meta(_given(call, "meta", {}))


def _given(call: Request, name: str, default: Any) -> Any:
    value = call.argument(name)
    return default if value is None else value


def _not_creatable(name: str) -> str:
    return f"Elements of type '{name}' are not created here; they come with their owner's first sign-in."


def _name_of(slug: str) -> str:
    return " ".join(word.capitalize() for word in slug.split("-") if word)
