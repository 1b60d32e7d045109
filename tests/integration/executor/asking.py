"""How the tests of replays ask."""

from typing import Any

import httpx2

from .world import World


async def invoked(client: httpx2.AsyncClient, ops: str, body: Any, expected: int = 200) -> str:
    """The id of the run."""
    answer = await client.post(f"{ops}/invoke", json=body)
    assert answer.status_code == expected, answer.text
    return answer.headers["triform-run-id"]


async def replayed(
    client: httpx2.AsyncClient, ops: str, run_id: str, body: Any = None, **headers: str
) -> httpx2.Response:
    return await client.post(f"{ops}/runs/{run_id}/replay", json=body or {}, headers=headers)


async def refused(client: httpx2.AsyncClient, ops: str, run_id: str, body: Any = None) -> dict[str, Any]:
    answer = await replayed(client, ops, run_id, body)
    assert answer.status_code >= 400, answer.text
    problem: dict[str, Any] = answer.json()
    return problem


async def keyed(client: httpx2.AsyncClient, role: str, scopes: list[str]) -> str:
    """An API key of the circle."""
    body = {"name": role, "role": role} | ({"scopes": scopes} if scopes else {})
    answer = await client.post("/api/acme/ops/tokens/create", json=body)
    assert answer.status_code < 300, answer.text
    token: str = answer.json()["token"]
    return token


async def renamed(client: httpx2.AsyncClient, ops: str) -> None:
    """A new version."""
    assert (await client.post(f"{ops}/update", json={"name": "Again"})).status_code == 200


async def gated(acme: World, client: httpx2.AsyncClient, ops: str, count: int) -> list[str]:
    """Runs that are through a gate, which is shut for those that repeat them."""
    acme.toy.gate("gate").set()
    runs = [await invoked(client, ops, {"wait": "gate"}) for _ in range(count)]
    acme.toy.gates.clear()
    acme.toy.started.clear()
    return runs


async def batch(client: httpx2.AsyncClient, ops: str, body: Any = None, **headers: str) -> dict[str, Any]:
    answer = await client.post(f"{ops}/runs/replay", json=body or {}, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def batch_refused(client: httpx2.AsyncClient, ops: str, body: Any, **headers: str) -> dict[str, Any]:
    answer = await client.post(f"{ops}/runs/replay", json=body, headers=headers)
    assert answer.status_code >= 400, answer.text
    problem: dict[str, Any] = answer.json()
    return problem


async def ended(client: httpx2.AsyncClient, ops: str, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs that were started, once they have ended."""
    begun = [each["run_id"] for each in answer["runs"] if each["run_id"]]
    return [(await client.get(f"{ops}/runs/{run}", params={"wait": 30})).json() for run in begun]


async def listed(client: httpx2.AsyncClient, ops: str, **query: Any) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = (await client.get(f"{ops}/runs", params=query)).json()["runs"]
    return runs
