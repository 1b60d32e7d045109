"""A call runs the version its environment holds, also when another node has just promoted it there."""

import httpx2
import pytest

from .world import World

PROMOTED_ELSEWHERE = """
update elements set live_commit = 'c', live_version = $1, demo_commit = 'c', demo_version = $1 where slug = 'sum'
"""


async def ran(client: httpx2.AsyncClient, ops: str, env: str | None = None, **headers: str) -> tuple[str, str]:
    """In which environment, at which version."""
    answer = await client.post(f"{ops}/invoke", json={}, params={"env": env} if env else {}, headers=headers)
    assert answer.status_code in (200, 202), answer.text
    return answer.headers["triform-env"], answer.headers["triform-version"]


async def changed(client: httpx2.AsyncClient, ops: str) -> None:
    assert (await client.post(f"{ops}/update", json={"name": "Again"})).status_code == 200


@pytest.mark.parametrize("prefer", ["wait=5", "respond-async", "handling=strict"])
async def test_the_first_promotion_made_elsewhere_counts_at_once(acme: World, prefer: str) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        assert await ran(client, ops) == ("draft", "1"), "remembered by now"
        await acme.database.execute(PROMOTED_ELSEWHERE, 1)
        assert await ran(client, ops, Prefer=prefer) == ("live", "1")


@pytest.mark.parametrize("env", ["live", "demo", None])
async def test_a_later_promotion_made_elsewhere_counts_at_once(acme: World, env: str | None) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        await changed(client, ops)
        await acme.database.execute(PROMOTED_ELSEWHERE, 1)
        assert await ran(client, ops, env) == (env or "live", "1")
        await acme.database.execute(PROMOTED_ELSEWHERE, 2)
        assert await ran(client, ops, env) == (env or "live", "2")


async def test_draft_is_the_present_version_though_something_is_live(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        await acme.database.execute(PROMOTED_ELSEWHERE, 1)
        await changed(client, ops)
        assert await ran(client, ops, "draft") == ("draft", "2")
        assert await ran(client, ops) == ("live", "1")


async def test_a_type_with_nothing_to_deploy_is_promoted_as_it_is(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        for start, end in (("draft", "demo"), ("demo", "live")):
            answer = await client.post(f"{ops}/source/promote", json={"from": start, "to": end})
            assert answer.status_code == 200, answer.text
        assert await ran(client, ops) == ("live", "1")
