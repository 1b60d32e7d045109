"""Foreign and absent take the same way: what is never asked cannot take its time and be told apart by it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

import pytest

from triform.storage.transaction import Statements, Transaction

from .world import World

_asked: ContextVar[list[str] | None] = ContextVar("asked", default=None)


@pytest.fixture(autouse=True)
def listening(monkeypatch: pytest.MonkeyPatch) -> None:
    """To every statement of the request at hand; background work has a context of its own."""

    def heard(ask: Callable[..., Any]) -> Callable[..., Any]:
        def asking(self: Any, query: Any, *values: Any) -> Any:
            if (told := _asked.get()) is not None:
                told.append(str(query))
            return ask(self, query, *values)

        return asking

    for speaker in (Statements, Transaction):
        for name in ("fetch", "fetchrow", "fetchval", "execute", "executemany"):
            monkeypatch.setattr(speaker, name, heard(getattr(speaker, name)))


@contextmanager
def asked() -> Iterator[list[str]]:
    told: list[str] = []
    token = _asked.set(told)
    try:
        yield told
    finally:
        _asked.reset(token)


@pytest.mark.parametrize("path", ["", "/sum", "/sum/ops/invoke", "/ops/members", "/sum/ops/runs/{run}"])
@pytest.mark.parametrize("verb", ["GET", "POST", "PATCH", "DELETE"])
async def test_a_foreign_circle_is_not_looked_into(acme: World, verb: str, path: str) -> None:
    async with await acme.signed_in() as client, await acme.signed_in("rival") as rival:
        run = (await rival.post(f"{await acme.adder(rival, 'sum', 'rival')}/invoke")).headers["triform-run-id"]
        await client.get("/api/acme")  # whatever is looked up once has been
        statements = []
        for circle in ("rival", "nobody"):
            with asked() as told:
                answer = await client.request(verb, f"/api/{circle}{path.format(run=run)}")
            assert answer.status_code == 404, answer.text
            statements.append(told)
    assert statements[0] == statements[1]


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/api/acme/own/ops/runs/{run}"),
        ("GET", "/api/acme/own/ops/runs/{run}?wait=1"),
        ("POST", "/api/acme/own/ops/runs/{run}/cancel"),
        ("GET", "/api/acme/ops/runs/{run}"),
        ("GET", "/api/acme/ops/runs/{run}?wait=1"),
    ],
)
async def test_a_foreign_run_is_asked_for_like_one_that_never_was(acme: World, verb: str, path: str) -> None:
    async with await acme.signed_in() as client, await acme.signed_in("rival") as rival:
        run = (await rival.post(f"{await acme.adder(rival, 'sum', 'rival')}/invoke")).headers["triform-run-id"]
        await acme.adder(client, "own")
        statements = []
        for run_id in (str(uuid4()), run, str(uuid4())):
            with asked() as told:
                answer = await client.request(verb, path.format(run=run_id))
            assert answer.status_code == 404, answer.text
            statements.append(told)
    assert statements[1] == statements[2] != []
