"""What an apply would do, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from triform.cli.form.attached import AttachmentStep
from triform.cli.form.present import Json


@dataclass(frozen=True, slots=True)
class Choices:
    """What the caller asked for."""

    prune: bool = False
    deploy: bool = False
    set_secrets: bool = False


@dataclass(frozen=True, slots=True)
class ElementStep:
    """`changes` are JSON pointers; `before` is what the plan saw, its version guards the change.

    `action`: create, update, unchanged, take-out (a member that only leaves) or delete.
    """

    action: str
    slug: str
    element_type: str
    changes: tuple[str, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    before: Json | None = field(default=None, repr=False)
    readme: str | None = field(default=None, repr=False)
    readme_before: str | None = field(default=None, repr=False)
    deploy: bool = False

    @property
    def makes_version(self) -> bool:
        return self.action == "create" or (self.action == "update" and self.changes != ("/readme",))

    def told(self) -> dict[str, Any]:
        """For programs; values are left out, they may be secret."""
        told: dict[str, Any] = {"action": self.action, "slug": self.slug, "element_type": self.element_type}
        return told | {"changes": list(self.changes)} | ({"deploy": True} if self.deploy else {})


@dataclass(frozen=True, slots=True)
class Plan:
    """`removals` are deleted last; `remarks` say what is left as it is though one might expect otherwise."""

    circle: str
    elements: tuple[ElementStep, ...]
    attachments: tuple[AttachmentStep, ...]
    removals: tuple[ElementStep, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        idle = all(each.action == "unchanged" and not each.deploy for each in self.elements)
        return idle and not self.attachments and not self.removals

    def told(self) -> dict[str, Any]:
        return {
            "circle": self.circle,
            "elements": [each.told() for each in (*self.elements, *self.removals)],
            "attachments": [each.told() for each in self.attachments],
            "remarks": list(self.remarks),
        }
