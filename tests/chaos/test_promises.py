"""The checks of `bin/chaos` tried on an instance that lies about one thing: each lie is seen, the truth is not."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from chaos import promises
from chaos.load import LINES, Answered
from chaos.promises import violations

Facts = dict[str, Any]

RUN = {
    "run_id": "r", "status": "completed", "input": {"id": "a"}, "output": {"id": "a"}, "error": None,
    "trigger": "http", "attempts": [{}], "cost_micro_au": 10,
    "logs": {"complete": True, "total": LINES, "lines": [{"stream": "stdout", "text": "line 0 of a"}]},
}  # fmt: skip
TRUTH: Facts = {
    "ready": 200,
    "runs": [RUN],
    "wallet": {"balance_micro_au": 90, "held_micro_au": 0},
    "entries": [{"amount_micro_au": 100, "run_id": None}, {"amount_micro_au": -10, "run_id": "r"}],
}
ANSWERED = [Answered("r", "a", 200, {"id": "a"})]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promises, "READY_S", 0.01)
    monkeypatch.setattr(promises, "SETTLED_S", 0.01)


@asynccontextmanager
async def telling(facts: Facts) -> AsyncIterator[str]:
    """An instance of these facts."""

    async def runs(request: web.Request) -> web.Response:
        status = request.query.get("status")
        chosen = [run for run in facts["runs"] if status in (None, run["status"])]
        return web.json_response({"runs": chosen, "next": None})

    async def run(request: web.Request) -> web.Response:
        run_id = request.match_info["run_id"]
        return web.json_response(next(run for run in facts["runs"] if run["run_id"] == run_id))

    async def ready(request: web.Request) -> web.Response:
        return web.Response(status=facts["ready"])

    async def wallet(request: web.Request) -> web.Response:
        return web.json_response(facts["wallet"])

    async def entries(request: web.Request) -> web.Response:
        return web.json_response({"entries": facts["entries"], "next": None})

    app = web.Application()
    app.router.add_get("/readyz", ready)
    app.router.add_get("/api/chaos/work/ops/runs", runs)
    app.router.add_get("/api/chaos/work/ops/runs/{run_id}", run)
    app.router.add_get("/api/chaos/ops/wallet", wallet)
    app.router.add_get("/api/chaos/ops/wallet/entries", entries)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def told(facts: Facts, answered: list[Answered]) -> list[str]:
    async with telling(facts) as url, aiohttp.ClientSession() as session:
        return await violations(session, url, answered)


async def test_the_truth_breaks_no_promise() -> None:
    assert await told(TRUTH, ANSWERED) == []


def _run(**changes: Any) -> Callable[[Facts], Any]:
    return lambda facts: facts["runs"][0].update(changes)


def _wallet(**changes: Any) -> Callable[[Facts], Any]:
    return lambda facts: facts["wallet"].update(changes)


LIES: dict[str, tuple[Callable[[Facts], Any], str]] = {
    "not ready": (lambda facts: facts.update(ready=503), "not ready"),
    "lost": (lambda facts: facts["runs"].clear(), "is not there"),
    "stuck": (_run(status="running"), "is still running"),
    "forgotten in the queue": (_run(status="pending"), "is still pending"),
    "ended otherwise": (_run(status="failed", output=None), "is failed"),
    "given up": (_run(error={"code": "DATABASE_UNAVAILABLE"}), "the database was away"),
    "another balance": (_wallet(balance_micro_au=91), "the ledger sums to 90"),
    "held money": (_wallet(held_micro_au=5), "5 micro-AU are held"),
    "debit without a run": (
        lambda facts: facts["entries"].extend(
            [{"amount_micro_au": -3, "run_id": "x"}, {"amount_micro_au": 3, "run_id": None}]
        ),
        "debit without a run: x",
    ),
    "debited twice": (
        lambda facts: facts["entries"].extend(
            [{"amount_micro_au": -10, "run_id": "r"}, {"amount_micro_au": 10, "run_id": None}]
        ),
        "was debited 20",
    ),
    "not charged": (_run(cost_micro_au=0), "completed without a charge"),
    "lines lost": (_run(logs={**RUN["logs"], "total": LINES - 1}), "calls that complete"),
    "a line of another": (
        _run(logs={**RUN["logs"], "lines": [{"stream": "stdout", "text": "line 0 of b"}]}),
        "a line of another",
    ),
}


@pytest.mark.parametrize("lie", LIES)
async def test_each_lie_is_seen(lie: str) -> None:
    tell, seen = LIES[lie]
    facts = deepcopy(TRUTH)
    tell(facts)
    found = await told(facts, ANSWERED)
    assert any(seen in complaint for complaint in found), found
