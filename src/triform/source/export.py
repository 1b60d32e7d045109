"""`export_bundle`: an element as a git bundle; a circle as an envelope with a bundle for each of its elements.

{"format": "triform-circle", "version": 2, "circle": …, "exported_at": …,
 "elements": [{"slug", "element_type", "bundle_base64"}, …],
 "attachments": [{"source", "target", "priority", "cascade_policy", "version_pin"}, …]}

Source and target are slugs; the target null is the circle itself. Version 1 had no attachments.
"""

import base64
from collections.abc import AsyncIterator, Set
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from triform.clock import Clock, rfc3339
from triform.elements.graph.model import Graph
from triform.elements.graph.store import GraphStore
from triform.elements.model import DRAFT, Element
from triform.elements.store import ElementStore
from triform.errors import Suggestion
from triform.reply import Reply
from triform.runs.call import Call
from triform.source.confinement import REPOSITORY, Room
from triform.source.errors import SourceTooLarge
from triform.source.git import Git, GitFailed
from triform.source.present import Present
from triform.storage.database import Database, Transaction

FORMAT, VERSION = "triform-circle", 2
MOST_BYTES = 64 << 20
_PAGE = 500


class ExportBundle:
    """The answer is the bundle itself; `git bundle verify` and `git clone` take it."""

    def __init__(self, git: Git, present: Present) -> None:
        self._git = git
        self._present = present

    async def prepare(self, call: Call) -> bytes:
        return await self.bundle(call.element)

    async def __call__(self, call: Call, tx: Transaction, prepared: bytes) -> Reply:
        name = f'attachment; filename="{call.element.slug}.bundle"'
        return Reply(prepared, {"Content-Disposition": name})

    async def bundle(self, element: Element) -> bytes:
        """Every branch there is, with its whole history. Raises SourceUnavailable, SourceTooLarge."""
        element, repository = await self._present.of(element)
        branches = [DRAFT, *(branch for branch in element.branches if branch != DRAFT)]
        try:
            return await self._git.output(
                "--git-dir", REPOSITORY, "bundle", "create", "--quiet", "-", "HEAD", *branches,
                room=Room(repository.folder), most=MOST_BYTES,
            )  # fmt: skip
        except GitFailed as failed:
            raise _too_large(f"{element.slug} cannot be bundled: {failed}") from failed


@dataclass(frozen=True, slots=True)
class ExportCircle:
    """All elements of the circle, by slug. It is not a snapshot: each is as it was when its turn came."""

    bundles: ExportBundle
    database: Database
    store: ElementStore
    graphs: GraphStore
    clock: Clock

    async def prepare(self, call: Call) -> list[dict[str, Any]]:
        """Raises SourceUnavailable, SourceTooLarge."""
        listed, size = list[dict[str, Any]](), 0
        async for element in self._elements(call.element):
            bundle = base64.b64encode(await self.bundles.bundle(element)).decode()
            size += len(bundle)
            if size > MOST_BYTES:
                raise _too_large(f"the circle's bundles have more than {MOST_BYTES} bytes")
            listed.append({"slug": element.slug, "element_type": element.element_type, "bundle_base64": bundle})
        return listed

    async def __call__(self, call: Call, tx: Transaction, prepared: list[dict[str, Any]]) -> Reply:
        graph = await self.graphs.graph(tx, call.element.circle_id)
        return Reply(
            {
                "format": FORMAT,
                "version": VERSION,
                "circle": call.element.circle_name,
                "exported_at": rfc3339(self.clock.now()),
                "elements": prepared,
                "attachments": _attachments(graph, {each["slug"] for each in prepared}),
            }
        )

    async def _elements(self, circle: Element) -> AsyncIterator[Element]:
        at, total = 0, 1
        while at < total:
            page, total = await self.store.children(self.database, circle.id, limit=_PAGE, offset=at)
            for element in page:
                yield element
            at += _PAGE


def _attachments(graph: Graph, slugs: Set[str]) -> list[dict[str, Any]]:
    """Those between these elements, and between them and the circle, by target."""
    named: dict[UUID, str | None] = {node.id: node.slug for node in graph.nodes.values() if node.slug in slugs}
    named[graph.circle_id] = None
    return [
        {
            "source": named[each.source_id],
            "target": target,
            "priority": each.priority,
            "cascade_policy": each.cascade_policy,
            "version_pin": each.version_pin,
        }
        for target_id, target in sorted(named.items(), key=lambda entry: entry[1] or "")
        for each in graph.attached(target_id)
        if each.source_id in named
    ]


def _too_large(what: str) -> SourceTooLarge:
    return SourceTooLarge(
        f"{what[0].upper()}{what[1:]}.",
        suggestion=Suggestion(
            why=f"A bundle of at most {MOST_BYTES} bytes is made.",
            fix="Clone the repositories instead; source_status of each element tells how.",
            op="source_status",
        ),
    )
