"""How the elements of a circle hang together, as it is at one moment. Values only."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from triform.elements.model import State

CASCADE = ("none", "members")
"""Whether an attachment holds for its target alone, or also for what the target holds."""


@dataclass(frozen=True, slots=True)
class Node:
    """An element without its spec."""

    id: UUID
    parent_id: UUID | None
    slug: str
    element_type: str
    name: str
    state: State
    version: int


@dataclass(frozen=True, slots=True)
class Reference:
    """What the spec of `source_id` says of another element."""

    source_id: UUID
    relation: str
    target_id: UUID


@dataclass(frozen=True, slots=True)
class Attachment:
    """A modifier or resource (the source) on an element (the target); the lower `priority` is evaluated first."""

    id: UUID
    source_id: UUID
    target_id: UUID
    priority: int
    cascade_policy: str
    version_pin: int | None
    created_at: datetime

    @property
    def cascades(self) -> bool:
        return self.cascade_policy == "members"


class Graph:
    """Every living element of a circle and its connections, by both ends; those of others are left out."""

    def __init__(
        self,
        circle_id: UUID,
        nodes: Iterable[Node],
        references: Iterable[Reference],
        attachments: Iterable[Attachment],
    ) -> None:
        self.circle_id = circle_id
        self.nodes = {node.id: node for node in nodes}
        self.by_slug = {node.slug: node for node in self.nodes.values() if node.id != circle_id}
        self._children: defaultdict[UUID, list[Node]] = defaultdict(list)
        self._members: defaultdict[UUID, list[Reference]] = defaultdict(list)
        self._referenced_by: defaultdict[UUID, list[Reference]] = defaultdict(list)
        self._attached: defaultdict[UUID, list[Attachment]] = defaultdict(list)
        self._targets: defaultdict[UUID, list[Attachment]] = defaultdict(list)
        for node in self.nodes.values():
            if node.parent_id is not None:
                self._children[node.parent_id].append(node)
        for reference in references:
            if not {reference.source_id, reference.target_id} <= self.nodes.keys():
                continue
            self._members[reference.source_id].append(reference)
            self._referenced_by[reference.target_id].append(reference)
        for attachment in sorted(attachments, key=lambda each: (each.priority, each.id)):
            if not {attachment.source_id, attachment.target_id} <= self.nodes.keys():
                continue
            self._attached[attachment.target_id].append(attachment)
            self._targets[attachment.source_id].append(attachment)

    def children(self, element_id: UUID) -> Sequence[Node]:
        """What an element contains, by slug."""
        return self._children.get(element_id, ())

    def members(self, element_id: UUID) -> Sequence[Reference]:
        """What its spec refers to, in that order."""
        return self._members.get(element_id, ())

    def referenced_by(self, element_id: UUID) -> Sequence[Reference]:
        return self._referenced_by.get(element_id, ())

    def attached(self, element_id: UUID) -> Sequence[Attachment]:
        """What is attached to it, in the order of evaluation."""
        return self._attached.get(element_id, ())

    def targets(self, element_id: UUID) -> Sequence[Attachment]:
        """What it is attached to."""
        return self._targets.get(element_id, ())

    def ancestors(self, element_id: UUID) -> list[Node]:
        """What contains it, from the circle down."""
        found: list[Node] = []
        node = self.nodes.get(element_id)
        while node is not None and node.parent_id is not None:
            node = self.nodes.get(node.parent_id)
            if node is not None:
                found.append(node)
        return found[::-1]

    def holders(self, element_id: UUID) -> list[UUID]:
        """What refers to it, at first or second hand, the farthest first; of those equally far, by slug."""
        levels: list[list[UUID]] = []
        seen, level = {element_id}, [element_id]
        while level:
            above = {each.source_id for inner in level for each in self.referenced_by(inner)} - seen
            level = sorted(above, key=lambda each: self.nodes[each].slug)
            seen |= above
            levels.append(level)
        return [each for level in reversed(levels) for each in level]

    def inherited(self, element_id: UUID) -> list[Attachment]:
        """What holds for it though it is attached to something that holds it: circle, projects; in that order."""
        outer = [*(node.id for node in self.ancestors(element_id)), *self.holders(element_id)]
        return [each for place in outer for each in self.attached(place) if each.cascades]

    def in_effect(self, element_id: UUID) -> list[Attachment]:
        """All that holds for it, in the order of evaluation: what is attached nearest comes last."""
        return [*self.inherited(element_id), *self.attached(element_id)]

    def below(self, element_id: UUID) -> Iterator[Node]:
        """What it contains or refers to, at first or second hand, each once."""
        seen, waiting = {element_id}, [element_id]
        while waiting:
            for node in self.held(waiting.pop()):
                if node.id not in seen:
                    seen.add(node.id)
                    waiting.append(node.id)
                    yield node

    def held(self, element_id: UUID) -> list[Node]:
        """What it contains, then what it refers to and does not contain."""
        contained = list(self.children(element_id))
        known = {node.id for node in contained}
        referred = dict.fromkeys(each.target_id for each in self.members(element_id))
        return contained + [self.nodes[each] for each in referred if each not in known]
