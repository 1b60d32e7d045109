"""Clients that call, remember every answer, and never give up for good."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp

LINES = 5
CODE = f"""
def handler(input)
  {LINES}.times {{ |n| puts "line #{{n}} of #{{input['id']}}" }}
  sleep(input['sleep']) if input['sleep']
  raise 'asked to fail' if input['fail']
  {{ id: input['id'] }}
end
"""
_TIMEOUT = aiohttp.ClientTimeout(total=40)


@dataclass(slots=True)
class Answered:
    """What a client was told of a run; `output` None when it was only accepted or failed."""

    run_id: str
    id: str
    status: int
    output: Any


@dataclass(slots=True)
class Memory:
    answered: list[Answered] = field(default_factory=list)
    refused: int = 0
    unheard: int = 0


class Clients:
    def __init__(self, url: str, chance: random.Random) -> None:
        self._url = url
        self._chance = chance
        self.memory = Memory()
        self._headers: dict[str, str] = {}

    async def prepare(self) -> None:
        async with aiohttp.ClientSession() as session:
            told = await _json(session.post(f"{self._url}/api/auth/dev", json={"circle_name": "chaos"}))
            self._headers = {"Authorization": f"Bearer {told['token']}"}
            key = {"name": "chaos", "role": "admin"}
            made = await _json(
                session.post(f"{self._url}/api/chaos/ops/tokens/create", json=key, headers=self._headers)
            )
            self._headers = {"Authorization": f"Bearer {made['token']}"}  # it outlasts any clock
            body = {"element_type": "ruby", "slug": "work", "spec": {
                "source": {"type": "inline", "code": CODE}, "timeout_ms": 5000, "retry": {"backoff_ms": 100},
            }}  # fmt: skip
            await _json(session.post(f"{self._url}/api/chaos/", json=body, headers=self._headers))
            money = {"amount_micro_au": 10**12, "reference": "chaos"}
            await _json(
                session.post(f"{self._url}/api/chaos/ops/wallet/top_up", json=money, headers=self._headers)
            )

    async def work(self, stopped: Callable[[], bool]) -> None:
        """One client; starts a new connection whenever the old one broke."""
        while not stopped():
            try:
                async with aiohttp.ClientSession(headers=self._headers, timeout=_TIMEOUT) as session:
                    while not stopped():
                        await self._call(session)
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                self.memory.unheard += 1
                await asyncio.sleep(0.1)

    async def _call(self, session: aiohttp.ClientSession) -> None:
        one = uuid4().hex
        body: dict[str, Any] = {"id": one}
        chance = self._chance.random()
        if chance < 0.1:
            body["sleep"] = self._chance.uniform(0.0, 0.5)
        elif chance < 0.15:
            body["fail"] = True
        headers = {"Prefer": "respond-async"} if self._chance.random() < 0.3 else {}
        if self._chance.random() < 0.3:
            headers["Idempotency-Key"] = one
        if self._chance.random() < 0.05:
            await self._chance.choice([self._leave_early, self._leave_half])(session, body)
            return
        async with session.post(f"{self._url}/api/chaos/work/ops/invoke", json=body, headers=headers) as answer:
            self._remember(
                one, answer.status, answer.headers.get("Triform-Run-Id"), await answer.json(content_type=None)
            )

    async def _leave_early(self, session: aiohttp.ClientSession, body: dict[str, Any]) -> None:
        """Closes the connection before the answer comes."""
        call = asyncio.create_task(self._post(session, body))
        await asyncio.sleep(self._chance.uniform(0.0, 0.02))
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    async def _leave_half(self, session: aiohttp.ClientSession, body: dict[str, Any]) -> None:
        """Closes the connection in the middle of the body."""

        async def half() -> AsyncIterator[bytes]:
            yield json.dumps(body).encode()[:-1]
            await asyncio.sleep(self._chance.uniform(0.0, 0.02))
            raise ConnectionAbortedError

        address = f"{self._url}/api/chaos/work/ops/invoke"
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            async with session.post(address, data=half(), headers={"Content-Type": "application/json"}):
                return

    async def _post(self, session: aiohttp.ClientSession, body: dict[str, Any]) -> None:
        async with session.post(f"{self._url}/api/chaos/work/ops/invoke", json={**body, "sleep": 0.1}):
            return

    def _remember(self, one: str, status: int, run_id: str | None, told: Any) -> None:
        if run_id is None:
            self.memory.refused += 1
            return
        output = told if status == 200 else None
        self.memory.answered.append(Answered(run_id, one, status, output))

    def session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(headers=self._headers, timeout=_TIMEOUT)


async def _json(request: Any) -> Any:
    async with request as answer:
        told = await answer.json(content_type=None)
        if answer.status >= 300:
            raise RuntimeError(f"{answer.url}: {answer.status} {told}")
        return told
