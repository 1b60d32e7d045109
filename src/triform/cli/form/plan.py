"""What an apply would do: a form held against what is there. Pure but for what it asks the circle."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.schema import at_pointer, replaced_at
from triform.cli.form.attached import attachment_steps
from triform.cli.form.model import Declared, Form, Mistake, mistake, referred
from triform.cli.form.order import in_order
from triform.cli.form.present import Around, Circle, Json
from triform.cli.form.reading import members_of
from triform.cli.form.steps import Choices, ElementStep, Plan
from triform.cli.outcome import Stop


class DoesNotFit(Stop):
    """What a form says cannot be in this circle."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = sorted(set(mistakes))
        super().__init__("\n".join(map(str, self.mistakes)), "mend what is named; nothing was changed")


def planned(form: Form, circle: Circle, catalogue: Catalogue, choices: Choices) -> Plan:
    """Raises FormRefused for a circular form, and DoesNotFit with everything that does not fit the circle."""
    return _Planning(form, circle, catalogue, choices).plan()


class _Planning:
    def __init__(self, form: Form, circle: Circle, catalogue: Catalogue, choices: Choices) -> None:
        self._form = form
        self._circle = circle
        self._catalogue = catalogue
        self._choices = choices
        self._listed = circle.listed()
        self._mistakes: list[Mistake] = []
        self._remarks: list[str] = []

    def plan(self) -> Plan:
        self._refuse_strangers()
        declared = in_order(self._form)
        before = {each.slug: self._before(each) for each in declared}
        surplus = self._surplus(before)
        around = {slug: self._circle.around(slug) for slug in surplus} if self._choices.prune else {}
        steps = [self._step(each, before[each.slug]) for each in declared]
        self._refuse_pins({each.slug: each for each in steps})
        removals = [self._removal(slug, around[slug]) for slug in around]
        if surplus and not around:
            listed = ", ".join(surplus)
            self._remarks.append(f"not in the form, and left as they are: {listed} (--prune deletes them)")
        deleted = {each.slug: around[each.slug] for each in removals if each.action == "delete"}
        attachments = attachment_steps(self._form, self._circle, self._listed, deleted, self._choices.prune)
        if self._mistakes:
            raise DoesNotFit(self._mistakes)
        return Plan(self._circle.name, tuple(steps), tuple(attachments), tuple(removals), tuple(self._remarks))

    # --- what cannot be ----------------------------------------------------------------------------------------

    def _refuse_strangers(self) -> None:
        """Slugs that name nothing here, and types that differ."""
        own = {each.slug for each in self._form.all()}
        known = own | self._listed.keys()
        for each in self._form.all():
            present = self._listed.get(each.slug)
            if present and present["element_type"] != each.kind.name:
                self._wrong(
                    (*each.at, "slug"),
                    f"{each.slug} exists and is of type {present['element_type']}, not {each.kind.name}; "
                    "choose another slug, or delete that element first",
                )
            for pointer, place, slug in referred(each.kind, each.spec):
                if slug not in known:
                    self._wrong((*each.at, "spec", *pointer.split("/")[1:], place), _absent(slug))
        for attachment in self._form.attachments:
            for key, named in (("source", attachment.source), ("target", attachment.target)):
                if named is not None and named not in known:
                    self._wrong((*attachment.at, key), _absent(named))
        if self._mistakes:
            raise DoesNotFit(self._mistakes)

    def _refuse_pins(self, steps: Mapping[str, ElementStep]) -> None:
        """Versions that will not be there; an export names those of where it was made."""
        for each in self._form.attachments:
            step, present = steps.get(each.source), self._listed.get(each.source)
            newest = (present["version"] if present else 0) + bool(step and step.makes_version)
            if each.version_pin is not None and each.version_pin > newest:
                message = f"{each.source} will have no version {each.version_pin}, its newest will be {newest}"
                self._wrong((*each.at, "version_pin"), f"{message}; pin one that is there, or none")

    def _wrong(self, at: tuple[str | int, ...], message: str) -> None:
        self._mistakes.append(mistake(self._form.document, at, message))

    # --- elements ----------------------------------------------------------------------------------------------

    def _before(self, declared: Declared) -> Json | None:
        return self._circle.element(declared.slug) if declared.slug in self._listed else None

    def _step(self, declared: Declared, before: Json | None) -> ElementStep:
        from triform.elements.specs import source_of

        kind = declared.kind
        spec = self._spec(declared, before)
        after = self._checked(declared, spec, before)
        changes = tuple(_changes(declared, before, after))
        written = self._readme(declared, before)
        named = {"name": declared.name, "intention": declared.intention}
        step = ElementStep(
            action="create" if before is None else "update" if changes or written else "unchanged",
            slug=declared.slug,
            element_type=kind.name,
            changes=(*changes, *(("/readme",) if written and before else ())),
            body={"spec": spec, **{key: value for key, value in named.items() if value is not None}},
            before=before,
            readme=declared.readme if written else None,
            readme_before=written.before if written else None,
        )
        moved = before is None or source_of(kind, before["spec"]) != source_of(kind, after)
        ready = before is not None and before["state"] == "ready"
        return replace(step, deploy=self._choices.deploy and "deploy" in kind.operations and (moved or ready))

    def _spec(self, declared: Declared, before: Json | None) -> Mapping[str, Any]:
        """The spec to be sent, its secrets settled."""
        from triform.elements.read_only import owned

        spec = before["spec"] if declared.spec is None and before else declared.spec or {}
        spec = {name: value for name, value in spec.items() if name not in owned(declared.kind)}
        if declared is self._form.project:
            spec = replaced_at(spec, members_of(declared.kind), self._members(before))
        return self._settled(declared, spec, before)

    def _settled(self, declared: Declared, spec: Mapping[str, Any], before: Json | None) -> Mapping[str, Any]:
        """A stored secret stays unless it is asked to be set; one that is not stored needs a value."""
        from triform.elements import secret_places

        kind = declared.kind
        stored = dict(secret_places.secrets_of(kind, before["spec"])) if before else {}
        settled: dict[str, Any] = {}
        for name, posted in secret_places.secrets_of(kind, spec):
            if name in stored and not (self._choices.set_secrets and "value" in posted):
                settled[name] = {key: value for key, value in posted.items() if key != "value"}
            elif "value" not in posted and "digest" not in posted:
                pointer = secret_places.pointer(kind, name)
                at = (*declared.at, *(step for step in pointer.split("/")[1:]))
                self._wrong(at, _no_value(declared, pointer.removeprefix("/spec")))
        found: Mapping[str, Any] = secret_places.replaced(kind, spec, settled)
        return found

    def _checked(self, declared: Declared, spec: Any, before: Json | None) -> Any:
        """The spec as the platform would keep it."""
        from triform.elements import read_only, secret_places

        kind, present = declared.kind, before["spec"] if before else {}
        found = kind.check_spec(read_only.kept(kind, secret_places.adopted(kind, spec, present), present))
        for each in found.errors:
            self._wrong(
                (*declared.at, "spec", *each.pointer.split("/")[1:]), f"/spec{each.pointer} {each.message}"
            )
        return found.spec

    def _readme(self, declared: Declared, before: Json | None) -> "_Readme | None":
        """What is there of a readme that is to become another one; None when nothing is to be done."""
        if declared.readme is None:
            return None
        present = self._circle.readme(declared.slug) if before else None
        return _Readme(present) if (present or "") != declared.readme else None

    # --- members -----------------------------------------------------------------------------------------------

    def _members(self, before: Json | None) -> list[str]:
        """Those of the form; without pruning the others stay, where they are."""
        present = _held(self._form.project, before)
        if self._choices.prune or not present:
            return list(self._form.members)
        return [*present, *(slug for slug in self._form.members if slug not in present)]

    def _surplus(self, before: Mapping[str, Json | None]) -> list[str]:
        """Members of the project that the form does not name."""
        project = self._form.project
        if project is None:
            return []
        named = {*self._form.members, *(each.slug for each in self._form.elements)}
        named |= {slug for each in self._form.attachments for slug in (each.source, each.target) if slug}
        return [slug for slug in _held(project, before[project.slug]) if slug not in named]

    def _removal(self, slug: str, around: Around) -> ElementStep:
        before = self._circle.element(slug)
        kind_name = str(before["element_type"]) if before else ""
        kind = self._catalogue.find(kind_name)
        holding = bool(before and kind and referred(kind, before["spec"]))
        others = sorted(each for each in around.holders if self._still_holds(each, slug))
        if others:
            self._remarks.append(
                f"{slug} leaves the project and is not deleted: it belongs to {', '.join(others)} too"
            )
        emptied = {"spec": replaced_at({}, members_of(kind), [])} if kind and holding else {}
        return ElementStep("take-out" if others else "delete", slug, kind_name, body=emptied, before=before)

    def _still_holds(self, holder: str, slug: str) -> bool:
        for each in self._form.all():
            if each.slug == holder:
                return each is not self._form.project and slug in {
                    named for *_, named in referred(each.kind, each.spec)
                }
        return True


@dataclass(frozen=True, slots=True)
class _Readme:
    before: str | None


def _held(project: Declared | None, before: Json | None) -> list[str]:
    if project is None or before is None:
        return []
    return list(at_pointer(before["spec"], members_of(project.kind)) or ())


def _changes(declared: Declared, before: Json | None, after: Any) -> Iterator[str]:
    if before is None:
        return
    for key in ("name", "intention"):
        wanted = getattr(declared, key)
        if wanted is not None and wanted != before[key]:
            yield f"/{key}"
    yield from differences(before["spec"], after, "/spec")


def differences(before: Any, after: Any, pointer: str) -> Iterator[str]:
    """Pointers to what is another value in the two; members of mappings one by one."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            inner = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            if key not in before or key not in after:
                yield inner
            else:
                yield from differences(before[key], after[key], inner)
    elif before != after:
        yield pointer


def _absent(slug: str) -> str:
    return f"there is no element {slug} in this form or in the circle; declare it under elements"


def _no_value(declared: Declared, pointer: str) -> str:
    why = declared.lacking.get(f"{pointer}/value")
    if why:
        return f"no value is stored for this secret, and {why}"
    return (
        "no value is stored for this secret; name where it is: "
        f"`from_env: {{{pointer}/value: VARIABLE}}` or `files: {{{pointer}/value: FILE}}`"
    )
