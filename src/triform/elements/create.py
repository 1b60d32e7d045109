"""A new element in a circle."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.element_type import ElementType
from triform.chemistry.schema import at_pointer, replaced_at
from triform.clock import Clock
from triform.elements import bounds, read_only
from triform.elements.checking import CheckedSpec, SpecCheck, raise_any, rules
from triform.elements.errors import ChildrenNotAllowed, UnknownElementType
from triform.elements.model import Element, State
from triform.elements.paths import check_slug
from triform.elements.request import Request
from triform.elements.saving import Saving
from triform.elements.show import element_json, etag, event_json
from triform.elements.source import Files
from triform.elements.store import ElementStore
from triform.elements.versions import Added
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
        saving: Saving,
        spec_check: SpecCheck,
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._saving = saving
        self._spec_check = spec_check
        self._ids = ids
        self._clock = clock

    async def prepare(self, call: Request) -> Draft:
        """Raises ChildrenNotAllowed, UnknownElementType, InvalidInput, InvalidSpec, the error of the code."""
        if not call.type.accepts_children:
            raise ChildrenNotAllowed(f"An element of type '{call.type.name}' cannot contain others.")
        element_type = self._type(call.argument("element_type"))
        raise_any(_complaints(call))
        posted = _given(call, "spec", {})
        files = Files(call.element, call.brought.commit, call.brought.folder) if call.brought else None
        checked = await self._spec_check.check(element_type, read_only.kept(element_type, posted, {}), files=files)
        return Draft(element_type, read_only.warned(element_type, checked, posted))

    async def __call__(self, call: Request, tx: Transaction, prepared: Draft) -> Reply:
        """Raises SlugTaken, NotFound when the parent has gone meanwhile, and InvalidSpec: for its secrets, for
        what it refers to, and when the parent has no room for another member."""
        holder = await self._holder(call, tx)
        added = await self._saving.first_version(tx, call, prepared.element_type, self._element(call, prepared))
        element = added.element
        joined = await self._join(call, tx, holder, element) if call.type.references else None
        return Reply(
            element_json(element, prepared.element_type, (*prepared.checked.warnings, *added.warnings)),
            {"Location": f"/api/{element.path}", **etag(element)},
            (("element.created", event_json(element)), *_joined_event(joined)),
            after_commit=(*added.after_commit, *(joined.after_commit if joined else ())),
        )

    async def _holder(self, call: Request, tx: Transaction) -> Element:
        """What the element is created below, kept until the transaction ends; locked where it is to change."""
        below = call.element
        if call.type.references:
            holder = await self._store.lock(tx, below.circle_id, below.id)
        else:
            holder = below if await self._store.lock_parent(tx, below.circle_id, below.id) else None
        if holder is None:
            raise NotFound()
        return holder

    async def _join(self, call: Request, tx: Transaction, holder: Element, element: Element) -> Added:
        """Elements lie flat in the circle: what holds others by reference has a version with one more."""
        pointer = next(iter(call.type.references.values()))
        listed = [*(at_pointer(holder.spec, pointer) or ()), element.slug]
        changed = holder.evolve(spec=rules(call.type, replaced_at(holder.spec, pointer, listed)).spec)
        return await self._saving.next_version(tx, call, holder, changed, f"added {element.slug}")

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
            parent_id=call.element.circle_id if call.type.references else call.element.id,
            slug=slug,
            element_type=draft.element_type.name,
            name=_given(call, "name", name_of(slug)),
            intention=_given(call, "intention", ""),
            state=State.ready,
            enabled_state=State.ready,
            version=1,
            spec=draft.checked.spec,
            meta=_given(call, "meta", {}),
            created_at=now,
            updated_at=now,
        )


def _joined_event(joined: Added | None) -> tuple[tuple[str, dict[str, Any]], ...]:
    return (("element.updated", event_json(joined.element)),) if joined else ()


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


def name_of(slug: str) -> str:
    """What an element is called whose author gave no name."""
    return " ".join(word.capitalize() for word in slug.split("-") if word)
