"""`source_promote`: a branch moves on to where the one before it stands; runs of that environment follow."""

import asyncio
from functools import partial
from typing import Any

from triform.circles.model import Level
from triform.circles.policy import allow
from triform.elements.cache import ElementCache
from triform.elements.errors import DeployRequired, NotPromoted
from triform.elements.model import DRAFT, LIVE, Element, Tip
from triform.elements.request import expect_version
from triform.elements.show import event_json
from triform.elements.store import ElementStore
from triform.errors import Suggestion
from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.masks import Masks
from triform.source.errors import SourceRefused
from triform.source.looking import known_to
from triform.source.present import Present
from triform.source.repository import Repository
from triform.source.validate import problems_of
from triform.storage.database import Transaction


class SourcePromote:
    """`{from, to}`: draft to demo, or demo to live. What is promoted has been deployed and breaks no rule."""

    def __init__(self, present: Present, store: ElementStore, cache: ElementCache, masks: Masks) -> None:
        self._present = present
        self._store = store
        self._cache = cache
        self._masks = masks

    async def prepare(self, call: Call) -> str:
        """The commit that was judged. Raises InvalidInput, Forbidden, NotPromoted, SourceRefused."""
        _allowed(call)
        element, repository = await self._present.of(call.element)
        return await self._judged(call, element, repository)

    async def __call__(self, call: Call, tx: Transaction, prepared: str) -> Reply:
        """Raises DeployRequired."""
        element = await self._present.locked(tx, call.element)
        expect_version(call, element)
        tip = _tip(element, call.argument("from"))
        if tip.commit != prepared:  # Somebody was faster; what they left there is judged as well.
            await self._judged(call, element, self._present.repositories.of(element))
        await self._ensure_deployed(call, tx, element, tip)
        return await self._moved(call, tx, element, tip)

    async def _judged(self, call: Call, element: Element, repository: Repository) -> str:
        branch = call.argument("from")
        tip = _tip(element, branch)
        problems = await asyncio.to_thread(problems_of, repository, tip.commit, known_to(self._masks, element))
        if problems:
            raise SourceRefused.for_problems(branch, problems)
        return tip.commit

    async def _ensure_deployed(self, call: Call, tx: Transaction, element: Element, tip: Tip) -> None:
        """Types that have nothing to deploy are ready as they are."""
        if call.type.operation("deploy") is None:
            return
        if await self._store.deployment(tx, element.id, tip.version) is None:
            raise DeployRequired(f"Version {tip.version} has not been deployed.", suggestion=_DEPLOY)

    async def _moved(self, call: Call, tx: Transaction, element: Element, tip: Tip) -> Reply:
        branch = call.argument("to")
        before = element.branches.get(branch)
        await self._store.set_tip(tx, element.id, branch, tip)
        told: dict[str, Any] = {
            "from": call.argument("from"),
            "to": branch,
            "commit": tip.commit,
            "version": tip.version,
            "previous": {"commit": before.commit, "version": before.version} if before else None,
        }
        return Reply(
            told,
            events=(("element.promoted", {**event_json(element), **told}),),
            after_commit=(
                partial(self._cache.forget, element.id),
                partial(self._present.repositories.point, element, branch, tip.commit),
            ),
        )


def _allowed(call: Call) -> None:
    if call.argument("to") == LIVE:
        allow(call.principal, Level.admin, call.operation.name)


def _tip(element: Element, branch: str) -> Tip:
    tip = element.branches.get(branch)
    if tip is None:
        raise NotPromoted(
            f"Nothing has been promoted to {branch} yet.",
            suggestion=Suggestion(
                why="Source moves one step at a time.",
                fix=f"Promote from {DRAFT} to {branch} first.",
                op="source_promote",
                example={"from": DRAFT, "to": branch},
            ),
        )
    return tip


_DEPLOY = Suggestion(
    why="What is promoted runs at once, so it has to have been loaded successfully.",
    fix="Deploy the element, then promote again.",
    op="deploy",
)
