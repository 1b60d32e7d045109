"""A node over real Postgres whose user work is a double: it adds, prints, fails, waits, as the input says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from triform.chemistry.catalogue import Catalogue, load
from triform.clock import Clock
from triform.elements.source_check import SourceVerdict
from triform.errors import Failure, Suggestion
from triform.executor.hooks import HOOKS
from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.model import Ended, Usage
from triform.settings import Settings
from triform.storage.database import Database
from triform.substrates.interfaces import RunContext
from triform.wiring.assembly import assemble
from triform.wiring.parts import Assembled, Machinery, ground

DEFINITIONS = Path(__file__).parent / "definitions"
PRICE = 10_000
GRANT = 100_000_000


class Toy:
    """Input: `a` + `b`; `print` text; `fail` code, class; `wait` name of a gate; `times` it fails first."""

    def __init__(self) -> None:
        self.gates: dict[str, asyncio.Event] = {}
        self.started: dict[str, asyncio.Event] = {}
        self.seen = 0
        self.at_once = 0
        self.most_at_once = 0

    def gate(self, name: str) -> asyncio.Event:
        return self.gates.setdefault(name, asyncio.Event())

    def begun(self, name: str) -> asyncio.Event:
        return self.started.setdefault(name, asyncio.Event())

    async def perform(self, call: Call, context: RunContext) -> Ended:
        self.seen += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._perform(call.input, context)
        finally:
            self.at_once -= 1

    async def answer(self, call: Call) -> Reply:
        return Reply({})

    async def _perform(self, asked: Any, context: RunContext) -> Ended:
        if "print" in asked:
            context.write("stdout", asked["print"].encode())
        if "wait" in asked and not await self._wait(asked["wait"], context):
            return Ended(cancelled=True, usage=Usage(duration_ms=1.0), handler_started=True, isolation="toy")
        if "fail" in asked and context.attempt <= asked.get("times", 1_000):
            return Ended(failure=_failure(asked), usage=Usage(duration_ms=2.0), handler_started=True)
        output = msgspec.json.encode({"sum": asked.get("a", 0) + asked.get("b", 0)})
        return Ended(output=output, usage=Usage(duration_ms=2.0), handler_started=True, isolation="toy")

    async def _wait(self, name: str, context: RunContext) -> bool:
        self.begun(name).set()
        gate = asyncio.create_task(self.gate(name).wait())
        cancel = asyncio.ensure_future(context.cancelled())
        done, rest = await asyncio.wait({gate, cancel}, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        return gate in done


def _failure(asked: dict[str, Any]) -> Failure:
    kind = asked.get("class", "internal")
    suggestion = Suggestion(why="You asked for it.", fix="Ask for something else.")
    return Failure(
        code=asked["fail"], kind=kind, message="as asked", retryable=asked.get("retryable", False),
        suggestion=suggestion,
    )  # fmt: skip


class NoCheck:
    async def check(self, element_type: object, spec: object, file: object = None) -> SourceVerdict:
        return SourceVerdict()


class World:
    def __init__(self, assembled: Assembled, toy: Toy, database: Database) -> None:
        self.node = assembled.node
        self.app = assembled.app
        self.toy = toy
        self.database = database

    def client(self, token: str | None = None) -> httpx2.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx2.ASGITransport(app=self.app)  # type: ignore[arg-type]
        return httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=headers)

    async def signed_in(self, circle: str = "acme") -> httpx2.AsyncClient:
        async with self.client() as nobody:
            answer = await nobody.post("/api/auth/dev", json={"circle_name": circle})
        assert answer.status_code == 200, answer.text
        return self.client(answer.json()["token"])

    async def adder(self, client: httpx2.AsyncClient, slug: str = "sum", circle: str = "acme", **spec: Any) -> str:
        body = {"element_type": "adder", "slug": slug, "spec": spec}
        return await self._made(client, body, circle)

    async def coded(self, client: httpx2.AsyncClient, slug: str = "greet", **spec: Any) -> str:
        """An element of a type that runs code, which is the toy's work here too."""
        spec = {"source": {"type": "inline", "code": "def handler(input) = input\n"}, **spec}
        return await self._made(client, {"element_type": "ruby", "slug": slug, "spec": spec}, "acme")

    async def _made(self, client: httpx2.AsyncClient, body: dict[str, Any], circle: str) -> str:
        answer = await client.post(f"/api/{circle}/", json=body)
        assert answer.status_code == 201, answer.text
        return f"/api/{circle}/{body['slug']}/ops"


@cache
def _catalogue() -> Catalogue:
    return load([DEFINITIONS], known_hooks=HOOKS.keys())


@asynccontextmanager
async def world(
    database: Database, folder: Path, clock: Clock | None = None, **settings: Any
) -> AsyncIterator[World]:
    chosen = Settings(data_dir=folder, definitions=[DEFINITIONS], **settings)
    base, toy = ground(chosen, database, clock, _catalogue()), Toy()
    machinery = Machinery(substrates={"toy": toy, "isolation": toy}, source_check=NoCheck(), checks={})
    assembled = assemble(base, machinery)
    async with assembled.node.working():
        yield World(assembled, toy, database)


_BOOKS = """
select w.balance_micro_au, w.held_micro_au,
  coalesce((select sum(case when l.debit_account = w.circle_id::text then -l.amount_micro_au
                            else l.amount_micro_au end)
            from ledger l where l.circle_id = w.circle_id), 0)::bigint as ledger,
  (select count(*) from holds h where h.circle_id = w.circle_id) as holds,
  (select count(*) from runs r where r.circle_id = w.circle_id and r.status in ('pending', 'running')) as going
from wallets w
"""
_UNPAID = """
select count(*) from ledger l where l.run_id is not null
  and not exists (select 1 from runs r where r.run_id = l.run_id and r.cost_micro_au > 0)
"""


async def balanced(database: Database) -> None:
    """The wallet's invariants: the ledger is the balance, nothing is held when nothing runs."""
    for row in await database.fetch(_BOOKS):
        assert row["balance_micro_au"] == row["ledger"]
        if not row["going"]:
            assert (row["held_micro_au"], row["holds"]) == (0, 0)
    assert await database.fetchval(_UNPAID) == 0
