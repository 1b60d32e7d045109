"""`readme_update`: a commit on draft that changes README.md and makes no version."""

import asyncio
from functools import partial

from triform.clock import Clock
from triform.elements.cache import ElementCache
from triform.elements.model import DRAFT, Element, Tip
from triform.elements.request import expect_version, refusal
from triform.elements.show import event_json
from triform.elements.store import ElementStore
from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.masks import Masks
from triform.source.errors import SourceRefused
from triform.source.layout import README
from triform.source.looking import known_to
from triform.source.present import Present
from triform.source.repositories import author_of
from triform.source.rules import in_content
from triform.storage.database import Transaction

MOST_BYTES = 1 << 20


class ReadmeUpdate:
    """`{content}`. It lies in git alone, so without a commit there is no success."""

    def __init__(
        self, present: Present, store: ElementStore, cache: ElementCache, masks: Masks, clock: Clock
    ) -> None:
        self._present = present
        self._store = store
        self._cache = cache
        self._masks = masks
        self._clock = clock

    async def __call__(self, call: Call, tx: Transaction) -> Reply:
        """Raises InvalidInput, SourceRefused, SourceUnavailable."""
        content = _content(call)
        element = await self._present.locked(tx, call.element)
        expect_version(call, element)
        problems = list(in_content(README, content, known_to(self._masks, element)))
        if problems:
            raise SourceRefused.for_problems(DRAFT, problems)
        tip = Tip(await asyncio.to_thread(self._commit, call, element, content), element.version)
        await self._store.set_tip(tx, element.id, DRAFT, tip)
        return Reply(
            {"content": call.argument("content"), "format": "markdown", "commit": tip.commit},
            events=(("element.readme_updated", event_json(element)),),
            after_commit=(
                partial(self._cache.forget, element.id),
                partial(self._present.repositories.point, element, DRAFT, tip.commit),
            ),
        )

    def _commit(self, call: Call, element: Element, content: bytes) -> str:
        author = author_of(call.principal.actor, element.circle_name)
        repository = self._present.repositories.of(element)
        parents = [element.branches[DRAFT].commit]
        return repository.commit({README: content}, parents, author, self._clock.now(), f"{README} updated\n")


def _content(call: Call) -> bytes:
    content = call.argument("content")
    if not isinstance(content, str) or len(encoded := content.encode("utf-8", "replace")) > MOST_BYTES:
        raise refusal("content", f"this is a text of at most {MOST_BYTES} bytes")
    return encoded
