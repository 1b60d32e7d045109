"""What is in a circle → the form that says so: applied there it changes nothing, elsewhere it makes the same."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.element_type import ElementType
from triform.chemistry.schema import at_pointer, replaced_at
from triform.cli.form.attached import terms_of
from triform.cli.form.model import CIRCLE, referred
from triform.cli.form.present import Circle, Json
from triform.cli.form.reading import members_of
from triform.cli.outcome import Stop
from triform.modifiers.terms import CASCADE, PRIORITY


def written_form(circle: Circle, catalogue: Catalogue, project: str | None) -> dict[str, Any]:
    """Of a project with all it holds and all that is attached there, or of the whole circle. Raises Stop."""
    return _Writing(circle, catalogue).form(project)


class _Writing:
    def __init__(self, circle: Circle, catalogue: Catalogue) -> None:
        self._circle = circle
        self._catalogue = catalogue
        self._found: dict[str, Json] = {}
        self._attached: list[Json] = []

    def form(self, project: str | None) -> dict[str, Any]:
        head = self._project(project) if project is not None else None
        if head is None:
            self._gather(list(self._circle.listed()))
            self._attached += self._circle.attached(None)
        others = [each for slug, each in self._found.items() if slug != project]
        form: dict[str, Any] = {}
        if head is not None:
            form["project"] = self._told_project(head, [each["slug"] for each in others])
        form["elements"] = [{"element_type": each["element_type"], **self._told(each)} for each in others]
        attachments = sorted(self._attachments(project), key=_by_target)
        return form | ({"attachments": attachments} if attachments else {})

    # --- gathering ---------------------------------------------------------------------------------------------

    def _project(self, slug: str) -> Json:
        found = self._circle.element(slug)
        kind = self._kind(found) if found else None
        if found is None:
            raise Stop(f"there is no element {slug} in circle {self._circle.name}", "triform elements lists them")
        if kind is None or not kind.references:
            raise Stop(
                f"{slug} is of type {found['element_type']} and holds no others", "name a project, or --all"
            )
        self._gather([slug])
        return found

    def _gather(self, slugs: Sequence[str]) -> None:
        """These, then what they refer to and what is attached to them, level by level, each once."""
        while slugs:
            following: list[str] = []
            for slug in dict.fromkeys(slugs):
                element = None if slug in self._found else self._circle.element(slug)
                if element is not None:
                    self._found[slug] = element
                    following += self._next(element)
            slugs = following

    def _next(self, element: Json) -> Iterator[str]:
        kind = self._kind(element)
        if kind is None:
            return
        yield from (slug for *_, slug in referred(kind, element["spec"]))
        if kind.attaches or kind.uses:
            attached = self._circle.attached(element["slug"])
            self._attached += attached
            yield from (each["source"] for each in attached)

    def _kind(self, element: Json) -> ElementType | None:
        return self._catalogue.find(element["element_type"])

    # --- writing -----------------------------------------------------------------------------------------------

    def _told_project(self, project: Json, elements: list[str]) -> dict[str, Any]:
        """Without its members, when they are just the elements of the form."""
        kind = self._catalogue.type(project["element_type"])
        told, place = self._told(project), members_of(kind)
        held = list(at_pointer(project["spec"], place) or ())
        spec = {key: value for key, value in told.get("spec", {}).items() if key != place[1:]}
        told["spec"] = spec if held == elements else replaced_at(spec, place, held)
        return {key: value for key, value in told.items() if key != "spec" or value}

    def _told(self, element: Json) -> dict[str, Any]:
        from triform.elements.create import name_of

        slug = element["slug"]
        told: dict[str, Any] = {"slug": slug}
        told |= {"name": element["name"]} if element["name"] != name_of(slug) else {}
        told |= {"intention": element["intention"]} if element["intention"] else {}
        spec, readme = self._spec(element), self._circle.readme(slug)
        return told | ({"spec": spec} if spec else {}) | ({"readme": readme} if readme else {})

    def _spec(self, element: Json) -> Mapping[str, Any]:
        from triform.elements import read_only, secret_places

        kind, spec = self._kind(element), element["spec"]
        if kind is None:
            return dict(spec)
        owned = read_only.owned(kind)
        spec = {name: value for name, value in spec.items() if name not in owned}
        names = [name for name, _ in secret_places.secrets_of(kind, spec)]
        lean = kind.properties.without_defaults(spec)
        return dict(secret_places.replaced(kind, lean, {name: {"secret": True} for name in names}))

    def _attachments(self, project: str | None) -> Iterator[dict[str, Any]]:
        for each in self._attached:
            target = self._circle.target_of(each)
            if target == CIRCLE:
                raise Stop(f"the element {CIRCLE} is called like the circle itself", "attach to it by hand")
            priority, cascade, pin = terms_of(each)
            told: dict[str, Any] = {"source": each["source"]}
            told |= {"target": target or CIRCLE} if target is None or target != project else {}
            told |= {"priority": priority} if priority != PRIORITY else {}
            told |= {"cascade_policy": cascade} if cascade != CASCADE else {}
            yield told | ({"version_pin": pin} if pin is not None else {})


def _by_target(told: Mapping[str, Any]) -> str:
    """Those of one target stay in the order of evaluation, in which they are made again."""
    return str(told.get("target", ""))
