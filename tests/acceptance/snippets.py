"""Pieces of Ruby, each run as the body of a handler in a run of its own."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.acceptance.client import Circle, Element

_CODE = "def handler(input)\n  eval(input['ruby'], binding, 'snippet.rb')\nend\n"


@dataclass(frozen=True, slots=True)
class Snippets:
    element: Element

    async def run(self, ruby: str) -> httpx2.Response:
        return await self.element.invoke({"ruby": ruby})

    async def value(self, ruby: str) -> Any:
        """What it returns; fails when it raises."""
        answer = await self.run(ruby)
        assert answer.status_code == 200, f"{ruby}: {answer.text}"
        return answer.json()

    async def values(self, snippets: Iterable[str]) -> dict[str, Any]:
        """What each of them returns."""
        asked = list(snippets)
        found = await asyncio.gather(*(self.value(ruby) for ruby in asked))
        return dict(zip(asked, found, strict=True))

    async def failures(self, snippets: Iterable[str]) -> dict[str, Any]:
        """The problem each of them ends with."""
        asked = list(snippets)
        answers = await asyncio.gather(*(self.run(ruby) for ruby in asked))
        assert all(answer.status_code >= 400 for answer in answers), answers
        return {ruby: answer.json() for ruby, answer in zip(asked, answers, strict=True)}


async def snippets(circle: Circle, **spec: Any) -> Snippets:
    """An element that runs whatever it is given; `spec` are its other properties."""
    return Snippets(await circle.ruby(_CODE, **spec))
