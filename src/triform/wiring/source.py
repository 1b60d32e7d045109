"""Repositories, and the git that serves them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from triform.api.git import GitDoor
from triform.circles.credentials import Credentials
from triform.executor.node import Node
from triform.modifiers.bring import BringAttachments
from triform.source.git import Git
from triform.source.importing import Makers
from triform.source.operations import SourceOperations
from triform.source.present import Present
from triform.source.push import Pushes
from triform.wiring.modifiers import changes
from triform.wiring.parts import Ground


@dataclass(frozen=True, slots=True)
class SourceParts:
    present: Present
    git: Git

    def table(self, base: Ground, elements: Mapping[str, Any]) -> Mapping[str, Any]:
        """The operations on source; those of `elements` make what is imported."""
        makers = Makers(
            create=elements["create"],
            update=elements["update"],
            catalogue=base.catalogue,
            database=base.database,
            store=base.elements,
            secrets=base.masks.secrets,
            masks=base.masks,
            attach=BringAttachments(changes(base)),
        )
        return SourceOperations(self.git, self.present, makers, base.cache, base.graphs, base.clock).table()

    def door(self, base: Ground, node: Node, credentials: Credentials) -> GitDoor:
        """Where git itself comes in."""
        return GitDoor(
            git=self.git,
            present=self.present,
            pushes=Pushes(self.git, base.repositories, base.masks, base.settings.push_limit_bytes),
            executor=node.executor,
            catalogue=base.catalogue,
            elements=base.cache,
            credentials=credentials,
            tracing=base.tracing,
            clock=base.clock,
            draining=node.draining,
        )


def source_parts(base: Ground) -> SourceParts:
    """Nothing is started; what an earlier process left half done is removed."""
    base.git.clear()
    return SourceParts(base.present, base.git)
