"""A plan carried out, guarded by what it saw: a change by somebody else in between is told, never overwritten."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from triform.cli.form.attached import AttachmentStep, terms_of
from triform.cli.form.model import CIRCLE, Form, mistake
from triform.cli.form.present import Circle
from triform.cli.form.steps import ElementStep, Plan
from triform.cli.local_code import LocalCode
from triform.cli.outcome import Refused

_MOVED = {"VERSION_MISMATCH", "SLUG_TAKEN"}


class Moved(Refused):
    """Something is not as the plan saw it."""

    def __init__(self, what: str) -> None:
        super().__init__(
            {
                "title": "Somebody else changed this since the plan was made.",
                "status": 412,
                "code": "VERSION_MISMATCH",
                "detail": f"{what} is not as the plan saw it; it was left as it is now",
                "_suggestion": {"why": "What others change is not overwritten unseen.", "fix": "Apply again."},
            }
        )


@dataclass(slots=True)
class Carrying:
    """`done` is what was done so far; `tell` hears what is being done."""

    form: Form
    circle: Circle
    plan: Plan
    tell: Callable[[str], None]
    done: list[dict[str, Any]] = field(default_factory=list)

    def out(self) -> list[dict[str, Any]]:
        """Elements, what they hold before them; attachments; deploys; deletions. Raises Refused."""
        for step in self.plan.elements:
            self._element(step)
        for target, steps in groupby(sorted(self.plan.attachments, key=_target), key=_target):
            self._attachments(target or None, list(steps))
        for step in self.plan.elements:
            if step.deploy:
                self._deploy(step)
        removed = [
            (step, self._emptied(step)) for step in self.plan.removals if step.action == "delete" and step.before
        ]
        for step, version in removed:
            self._delete(step, version)
        return self.done

    # --- elements ----------------------------------------------------------------------------------------------

    def _element(self, step: ElementStep) -> None:
        if step.action == "unchanged":
            return
        self.tell(f"{step.action} {step.slug}")
        with self._told(step.slug):
            made = self._saved(step)
            if step.readme is not None:
                self._readme(step, made["version"])
        self._note(step.action, step.slug, version=made["version"], warnings=made.get("warnings") or [])

    def _saved(self, step: ElementStep) -> Mapping[str, Any]:
        client, before = self.circle.client, step.before
        if before is None:
            body = {"element_type": step.element_type, "slug": step.slug, **step.body}
            created: Mapping[str, Any] = client.post(client.element() + "/", body)
            return created
        if not step.makes_version:
            return before
        body = {**step.body, "deep": False}
        answer = client.send("PATCH", client.element(step.slug), body=body, headers=_at(before["version"]))
        changed: Mapping[str, Any] = answer.document
        return changed

    def _readme(self, step: ElementStep, version: int) -> None:
        """A readme makes no version; it is looked at again just before."""
        if step.before is not None and self.circle.readme(step.slug) != step.readme_before:
            raise Moved(f"the readme of {step.slug}")
        client = self.circle.client
        client.send(
            "POST", client.op("readme_update", step.slug), body={"content": step.readme}, headers=_at(version)
        )

    def _deploy(self, step: ElementStep) -> None:
        self.tell(f"deploy {step.slug}")
        client = self.circle.client
        with self._told(step.slug):
            client.send("POST", client.op("deploy", step.slug), body={}, patient=True)
        self._note("deploy", step.slug)

    # --- attachments -------------------------------------------------------------------------------------------

    def _attachments(self, target: str | None, steps: Sequence[AttachmentStep]) -> None:
        """All of one target at once, or none of them."""
        self.tell(f"attachments of {target or 'the circle'}")
        with self._told(target):
            self._refuse_moved(target, steps)
            removed = [
                {"attachment_id": each.before["attachment_id"]} for each in _of("detach", steps) if each.before
            ]
            added = [_added(each) for each in steps if each.action != "detach"]
            self.circle.client.post(self.circle.client.op("compose", target), {"add": added, "remove": removed})
        for each in steps:
            self._note(each.action, each.source, target=target or CIRCLE)

    def _refuse_moved(self, target: str | None, steps: Sequence[AttachmentStep]) -> None:
        present = {each["source"]: each for each in self.circle.attached(target)}
        for each in steps:
            now = present.get(each.source)
            if (now and (now["attachment_id"], terms_of(now))) != (
                each.before and (each.before["attachment_id"], terms_of(each.before))
            ):
                raise Moved(f"what is attached to {target or 'the circle'}")

    # --- deletions ---------------------------------------------------------------------------------------------

    def _emptied(self, step: ElementStep) -> int:
        """What holds others lets go of them before anything is deleted; the version it then has."""
        version: int = step.before["version"] if step.before else 0
        if step.body:
            client = self.circle.client
            with self._told(step.slug):
                answer = client.send("PATCH", client.element(step.slug), body=step.body, headers=_at(version))
            version = answer.document["version"]
        return version

    def _delete(self, step: ElementStep, version: int) -> None:
        self.tell(f"delete {step.slug}")
        client = self.circle.client
        with self._told(step.slug):
            client.send("DELETE", client.element(step.slug), query={"confirm": "true"}, headers=_at(version))
        self._note("delete", step.slug)

    # --- telling -----------------------------------------------------------------------------------------------

    def _note(self, action: str, slug: str, **facts: Any) -> None:
        self.done.append({"action": action, "slug": slug, **facts})

    @contextmanager
    def _told(self, slug: str | None) -> Iterator[None]:
        """A refusal in here says which element it is about, where the form has it, and what was done before."""
        try:
            yield
        except Refused as refused:
            declared = next((each for each in self.form.all() if each.slug == slug), None)
            place = mistake(self.form.document, declared.at, str(slug)) if declared else slug or "the circle"
            moved = refused.code in _MOVED and not isinstance(refused, Moved)
            told = dict((Moved(str(slug)) if moved else refused).problem)
            detail = told.get("detail") or told.get("title")
            told |= {"detail": f"{place}: {detail}", "plan": self.plan.told(), "outcome": self.done}
            stop = Refused(told)
            if declared:
                stop.code_here = LocalCode(self.form.folder, declared.files)
            raise stop from refused


def _of(action: str, steps: Sequence[AttachmentStep]) -> list[AttachmentStep]:
    return [each for each in steps if each.action == action]


def _target(step: AttachmentStep) -> str:
    return step.target or ""


def _added(step: AttachmentStep) -> dict[str, Any]:
    ref = step.source if step.version_pin is None else f"{step.source}@v{step.version_pin}"
    return {"ref": ref, "priority": step.priority, "cascade_policy": step.cascade_policy}


def _at(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}
