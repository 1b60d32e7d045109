"""What of attachments has to change: those of a form held against those in the circle."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from triform.cli.form.model import CIRCLE, DeclaredAttachment, Form
from triform.cli.form.present import Around, Circle, Json


@dataclass(frozen=True, slots=True)
class AttachmentStep:
    """`action`: attach, change (its terms) or detach. `target` None is the circle.

    `before` is the attachment the plan saw.
    """

    action: str
    source: str
    target: str | None
    priority: int
    cascade_policy: str
    version_pin: int | None
    before: Json | None = field(default=None, repr=False)

    def told(self) -> dict[str, Any]:
        return {
            "action": self.action,
            "source": self.source,
            "target": self.target or CIRCLE,
            "priority": self.priority,
            "cascade_policy": self.cascade_policy,
            "version_pin": self.version_pin,
        }


def attachment_steps(
    form: Form, circle: Circle, listed: Mapping[str, Json], deleted: Mapping[str, Around], prune: bool
) -> Iterator[AttachmentStep]:
    """`deleted` are elements on their way out: nothing stays attached to them or by them."""
    wanted = {(each.source, each.target): each for each in form.attachments}
    looked_at: set[str | None] = {each.target for each in form.attachments}
    if prune:
        looked_at |= {each.slug for each in form.all() if each.kind.attaches or each.kind.uses}
    found: dict[tuple[str, str | None], Json] = {}
    for target in sorted(looked_at, key=lambda each: each or ""):
        present = circle.attached(target) if target is None or target in listed else ()
        found |= {(each["source"], target): each for each in present}
    for key, declared in wanted.items():
        yield from _wanted(declared, found.get(key))
    gone = {key: each for key, each in found.items() if prune and key not in wanted and key[1] is not None}
    for around in deleted.values():
        for each in (*around.on_it, *around.elsewhere):
            gone[each["source"], circle.target_of(each)] = each
    for (source, target), each in gone.items():
        yield _step("detach", source, target, each, each)


def terms_of(attachment: Json) -> tuple[int, str, int | None]:
    return attachment["priority"], attachment["cascade_policy"], attachment["version_pin"]


def _wanted(declared: DeclaredAttachment, present: Json | None) -> Iterator[AttachmentStep]:
    if present is None or terms_of(present) != declared.terms:
        action = "change" if present else "attach"
        yield AttachmentStep(action, declared.source, declared.target, *declared.terms, present)


def _step(action: str, source: str, target: str | None, terms: Json, before: Json) -> AttachmentStep:
    return AttachmentStep(action, source, target, *terms_of(terms), before)
