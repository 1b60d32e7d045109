"""What must hold after every fault, asked over HTTP alone. Each check answers its violations as sentences."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from chaos.load import LINES, Answered

SETTLED_S = 40.0
READY_S = 60.0
ATTEMPTS = 3
"""Of the element that is called: what its spec leaves at the default."""
_PLATFORM = {"PLATFORM_FAULT", "RUN_INTERRUPTED"}
_FINAL = {"completed", "failed", "cancelled"}
_PAGE = 500


async def violations(session: aiohttp.ClientSession, url: str, answered: list[Answered]) -> list[str]:
    """Everything that does not hold."""
    if not await _ready(session, url):
        return [f"not ready within {READY_S:.0f} s"]
    stuck = await _stuck(session, url)
    runs = {run["run_id"]: run async for run in _pages(session, f"{url}/api/chaos/work/ops/runs", "runs")}
    told = [complaint for each in answered for complaint in broken(each, runs.get(each.run_id))]
    told += [complaint for run in runs.values() for complaint in given_up(run)]
    return [*stuck, *told, *await _books(session, url, runs), *await _lines(session, url, runs)]


async def _ready(session: aiohttp.ClientSession, url: str) -> bool:
    """Whether it says that it can work again, in time."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + READY_S
    while loop.time() < give_up:
        try:
            async with session.get(f"{url}/readyz") as answer:
                if answer.status == 200:
                    return True
        except (aiohttp.ClientError, ConnectionError):
            pass  # asked again
        await asyncio.sleep(0.2)
    return False


async def _stuck(session: aiohttp.ClientSession, url: str) -> list[str]:
    """All is settled within the time that recovery has."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + SETTLED_S
    left: list[Any] = []
    while loop.time() < give_up:
        left = []
        for status in ("pending", "running"):
            told = await _get(session, f"{url}/api/chaos/work/ops/runs", status=status)
            left += told["runs"]
        if not left:
            return []
        await asyncio.sleep(0.5)
    return [f"run {run['run_id']} is still {run['status']} after {SETTLED_S:.0f} s" for run in left]


def broken(answer: Answered, run: Any) -> list[str]:
    """No answered run is lost, and it ended as its caller was told."""
    if run is None:
        return [f"run {answer.run_id} was answered with {answer.status} and is not there"]
    if answer.status == 200 and (run["status"] != "completed" or run["output"] != answer.output):
        return [f"run {answer.run_id} was answered with {answer.output} and is {run['status']} {run['output']}"]
    if answer.status >= 400 and run["status"] == "completed":
        return [f"run {answer.run_id} was answered with {answer.status} and is completed"]
    if run["status"] == "completed" and run["output"] != {"id": answer.id}:
        return [f"run {answer.run_id} has the output of another: {run['output']}"]
    return []


def given_up(run: Any) -> list[str]:
    """A database that is away decides nothing about a run; faults of the platform are tried again by policy."""
    code = run["error"]["code"] if run["error"] else None
    if code == "DATABASE_UNAVAILABLE":
        return [f"run {run['run_id']} ended because the database was away"]
    if run["trigger"] == "async" and code in _PLATFORM and len(run["attempts"]) < ATTEMPTS:
        return [
            f"run {run['run_id']} was given up with {code} after {len(run['attempts'])} of {ATTEMPTS} attempts"
        ]
    return []


async def _books(session: aiohttp.ClientSession, url: str, runs: dict[str, Any]) -> list[str]:
    """Balance is the sum of the ledger; nothing is held; every debit has its run and every cost its debit."""
    wallet = await _get(session, f"{url}/api/chaos/ops/wallet")
    entries = [entry async for entry in _pages(session, f"{url}/api/chaos/ops/wallet/entries", "entries")]
    found = []
    total = sum(entry["amount_micro_au"] for entry in entries)
    if total != wallet["balance_micro_au"]:
        found.append(f"the ledger sums to {total}, the balance is {wallet['balance_micro_au']}")
    if wallet["held_micro_au"]:
        found.append(f"{wallet['held_micro_au']} micro-AU are held while nothing runs")
    debits: dict[str, int] = {}
    for entry in entries:
        if entry["run_id"]:
            debits[entry["run_id"]] = debits.get(entry["run_id"], 0) - entry["amount_micro_au"]
    found += [f"debit without a run: {run_id}" for run_id in debits.keys() - runs.keys()]
    for run_id, run in runs.items():
        if debits.get(run_id, 0) != run["cost_micro_au"]:
            found.append(f"run {run_id} costs {run['cost_micro_au']} and was debited {debits.get(run_id, 0)}")
        if run["status"] == "completed" and not run["cost_micro_au"]:
            found.append(f"run {run_id} completed without a charge")
    return found


async def _lines(session: aiohttp.ClientSession, url: str, runs: dict[str, Any]) -> list[str]:
    """A run that says its log is complete has every line of its last attempt, and only its own."""
    found = []
    for run_id, run in runs.items():
        told = run["logs"]
        if run["status"] == "completed" and told["complete"] and told["total"] < LINES:
            found.append(f"run {run_id} completed with {told['total']} of {LINES} lines and calls that complete")
    for run_id in list(runs)[:100]:
        run = await _get(session, f"{url}/api/chaos/work/ops/runs/{run_id}")
        foreign = [line["text"] for line in run["logs"]["lines"]
                   if line["stream"] == "stdout" and not line["text"].endswith(run["input"]["id"])]  # fmt: skip
        found += [f"run {run_id} has a line of another: {text!r}" for text in foreign]
    return found


async def _pages(session: aiohttp.ClientSession, address: str, name: str) -> AsyncIterator[Any]:
    cursor: str | None = None
    while True:
        told = await _get(session, address, limit=_PAGE, **({"next": cursor} if cursor else {}))
        for each in told[name]:
            yield each
        cursor = told["next"]
        if cursor is None:
            return


async def _get(session: aiohttp.ClientSession, address: str, **query: Any) -> Any:
    async with session.get(address, params=query) as answer:
        told = await answer.json(content_type=None)
        if answer.status != 200:
            raise RuntimeError(f"{address}: {answer.status} {told}")
        return told
