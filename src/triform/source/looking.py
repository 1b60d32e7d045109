"""Operations that only look into a repository: source, readme, source_branches, source_status, source_validate."""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from triform.elements.code_source import code_source
from triform.elements.errors import SourceUnavailable
from triform.elements.model import BRANCHES, DEMO, DRAFT, LIVE, Element
from triform.elements.store import ElementStore, Wanted
from triform.errors import Suggestion
from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.masks import Masks
from triform.source.errors import SourceTooLarge
from triform.source.layout import README
from triform.source.present import Present, behind
from triform.source.repository import FileTooLarge, Repository
from triform.source.rules import Problem
from triform.source.validate import Known, problems_of
from triform.storage.database import Transaction

MOST_SHOWN = 4 << 20
"""Bytes of a file that are answered; whoever wants more clones."""
COMMITS_COUNTED = 10_000

NEXT = {DRAFT: DEMO, DEMO: LIVE, LIVE: None}


@dataclass(frozen=True, slots=True)
class Looking:
    present: Present
    store: ElementStore
    masks: Masks

    def table(self) -> Mapping[str, Any]:
        return {
            "source": Prepared(self._source),
            "readme": Prepared(self._readme),
            "source_branches": Prepared(self._branches),
            "source_status": SourceStatus(self.present, self.store, self.masks),
            "source_validate": Prepared(self._validate),
        }

    async def _source(self, call: Call) -> Any:
        """`{path, branch?}` → a file; `content` is empty when there is none."""
        path, branch = call.argument("path"), call.argument("branch", DRAFT)
        content = await self._file(call.element, branch, path)
        text, encoding = _shown(content or b"")
        told = {"path": path, "branch": branch, "content": text, "encoding": encoding}
        return {**told, "exists": content is not None}

    async def _readme(self, call: Call) -> Any:
        content = await self._file(call.element, DRAFT, README)
        text = (content or b"").decode(errors="replace")
        return {"content": text, "format": "markdown", "exists": content is not None}

    async def _branches(self, call: Call) -> Any:
        element, _ = await self.present.of(call.element)
        return {
            "clone_url": clone_url(call),
            "branches": branches_json(element),
            "default_env": default_env(element),
        }

    async def _validate(self, call: Call) -> Any:
        """`{branch?}` → `valid`, `problems`. Damage is a problem too: nothing is mended before."""
        branch = call.argument("branch", DRAFT)
        element, repository = await self.present.as_it_is(call.element)
        found = await asyncio.to_thread(problems_on, element, repository, branch, known_to(self.masks, element))
        return {"branch": branch, "valid": not found, "problems": [problem_json(each) for each in found]}

    async def _file(self, element: Element, branch: str, path: str) -> bytes | None:
        element, repository = await self.present.of(element)
        tip = element.branches.get(branch)
        if tip is None:
            return None
        try:
            return await asyncio.to_thread(repository.read, tip.commit, path, MOST_SHOWN)
        except FileTooLarge as error:
            raise SourceTooLarge(
                f"{path} has {error.size} bytes.",
                suggestion=Suggestion(
                    why=f"Files of more than {MOST_SHOWN} bytes are not answered as JSON.",
                    fix="Clone the repository; source_status tells how.",
                    op="source_status",
                ),
            ) from error


class Prepared:
    """An operation that does all its work without a transaction."""

    def __init__(self, look: Any) -> None:
        self._look = look

    async def prepare(self, call: Call) -> Any:
        return await self._look(call)

    async def __call__(self, call: Call, tx: Transaction, prepared: Any) -> Reply:
        return Reply(prepared)


class SourceStatus:
    """How the source of an element is: where to clone it, what is on it, whether it is well."""

    def __init__(self, present: Present, store: ElementStore, masks: Masks) -> None:
        self._present = present
        self._store = store
        self._masks = masks

    async def prepare(self, call: Call) -> tuple[Element, dict[str, Any]]:
        element, repository = await self._present.as_it_is(call.element)
        known = known_to(self._masks, element)
        return element, await asyncio.to_thread(_state, element, repository, known)

    async def __call__(self, call: Call, tx: Transaction, prepared: tuple[Element, dict[str, Any]]) -> Reply:
        element, state = prepared
        url = clone_url(call)
        _, children = await self._store.children(tx, element.id, Wanted(), limit=1)
        tip = element.branches.get(DRAFT)
        return Reply(
            {
                "clone_url": url,
                "commands": _commands(url, element.slug),
                "draft": {"commit": tip.commit, "version": tip.version} if tip else None,
                "version": element.version,
                "branches": branches_json(element),
                "fetched": _fetched(call, element),
                "children": children,
                **state,
                "auth": {
                    "scheme": "basic",
                    "username": "anything",
                    "password": "a token or API key of the circle",
                },
            }
        )


def _fetched(call: Call, element: Element) -> dict[str, Any] | None:
    """What a deploy brought from another repository, if the present source is still that."""
    source, bundled = code_source(call.type, element.spec), element.bundled
    if source is None or source.origin is None or bundled is None or bundled.fetched_from != source.origin:
        return None
    return {"repository": source.repository, "ref": source.ref, "commit": bundled.fetched_commit}


def _state(element: Element, repository: Repository, known: Known) -> dict[str, Any]:
    """`health` is healthy, warning (what lies there breaks rules), behind (versions lack) or damaged."""
    problems = problems_on(element, repository, DRAFT, known)
    warnings = [f"{each.path or DRAFT}: {each.message}" for each in problems]
    unreadable = any(each.rule == "unreadable" for each in problems)
    try:
        export = _export(element, repository)
    except SourceUnavailable as error:
        unreadable, export = True, None
        warnings.append(error.detail)
    health = "behind" if behind(element) else "damaged" if unreadable else "warning" if problems else "healthy"
    return {"health": health, "warnings": warnings, "export": export}


def _export(element: Element, repository: Repository) -> dict[str, Any] | None:
    """What would leave with a bundle."""
    tip = element.branches.get(DRAFT)
    if tip is None:
        return None
    return {
        "branches": sorted(element.branches),
        "commits": len(repository.history(tip.commit, COMMITS_COUNTED)),
        "files": len(repository.files(tip.commit)),
    }


def problems_on(element: Element, repository: Repository, branch: str, known: Known) -> list[Problem]:
    """What is wrong with a branch; blocks."""
    tip = element.branches.get(branch)
    if tip is None:
        return [Problem("unreadable", "", "has no commit")] if branch == DRAFT else []
    return problems_of(repository, tip.commit, known)


def known_to(masks: Masks, element: Element) -> Known:
    """Finds the element's secret values, where they can be decrypted."""
    mask = masks.about(element, {})
    return mask.sees if mask else _nothing


def _nothing(data: bytes) -> bool:
    return False


def clone_url(call: Call) -> str:
    """A plain address: whoever uses it brings a token of their own."""
    return f"{call.origin}/git/{call.element.path}.git"


def branches_json(element: Element) -> list[dict[str, Any]]:
    return [
        {
            "name": branch,
            "commit": tip.commit if tip else None,
            "version": tip.version if tip else None,
            "promotes_to": NEXT[branch],
        }
        for branch, tip in ((branch, element.branches.get(branch)) for branch in BRANCHES)
    ]


def default_env(element: Element) -> str:
    """Where a call runs that does not say."""
    return LIVE if LIVE in element.branches else DRAFT


def problem_json(problem: Problem) -> dict[str, Any]:
    return {"rule": problem.rule, "path": problem.path, "line": problem.line, "message": problem.message}


def _commands(url: str, slug: str) -> dict[str, str]:
    return {
        "clone": f"git clone --branch {DRAFT} {url} {slug}",
        "checkout": f"git checkout {DRAFT}",
        "push": f"git push origin {DRAFT}",
    }


def _shown(content: bytes) -> tuple[str, str]:
    try:
        return content.decode(), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(content).decode(), "base64"
