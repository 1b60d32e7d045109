"""What an operator reads on /metrics, and who may read it."""

import asyncio
from pathlib import Path

import pytest

from tests.integration.executor.world import World, world
from triform.observability.platform_metrics import PLATFORM
from triform.storage.database import Database

from .reading import read

TOKEN = "c1nnabar"
ASYNC = {"Prefer": "respond-async"}
OF_RUBY = (
    "ruby_invocation_count",
    "ruby_duration_ms",
    "ruby_error_rate",
    "ruby_memory_used_mb",
    "ruby_cold_start_ms",
)
OF_SANDBOXES = ("triform_pool_", "triform_sandbox_")
"""The user work of this world is a double, which has none."""


async def test_every_metric_of_the_table_is_there_and_nothing_else(acme: World) -> None:
    async with acme.client() as client:
        names = (await read(client)).names
    expected = {family.name for family in PLATFORM if not family.name.startswith(OF_SANDBOXES)}
    assert {name for name in names if name.startswith("triform_")} == expected
    assert set(OF_RUBY) <= names
    assert {"process_resident_memory_bytes", "process_open_fds"} <= names


async def test_runs_are_counted_by_how_they_ended(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        for body in ({"a": 1}, {"a": 2}, {"fail": "TOY_BROKE"}):
            await client.post(f"{ops}/invoke", json=body)
        accepted = await client.post(f"{ops}/invoke", json={}, headers=ASYNC)
        await client.get(accepted.headers["location"], params={"wait": 30})
        shown = await read(client)
    assert shown.value("triform_runs_ended_total", status="completed", trigger="http") == 2
    assert shown.value("triform_runs_ended_total", status="failed", trigger="http") == 1
    assert shown.value("triform_runs_ended_total", status="completed", trigger="async") == 1
    assert shown.value("triform_queue_wait_ms_count") == 4
    assert shown.value("triform_group_commit_items_total", group="accept") == 4
    assert shown.value("triform_group_commit_items_total", group="end") == 4
    assert 1 <= shown.value("triform_group_commit_flushes_total", group="end") <= 4
    assert shown.value("triform_group_commit_largest", group="start") == 1


async def test_slots_and_queues_are_shown_as_they_are(database: Database, tmp_path: Path) -> None:
    async with world(database, tmp_path, worker_slots=4) as acme, await acme.signed_in() as client:
        ops = await acme.adder(client, concurrency={"max": 1})
        running = asyncio.create_task(client.post(f"{ops}/invoke", json={"wait": "gate"}))
        await acme.toy.begun("gate").wait()
        waiting = asyncio.create_task(client.post(f"{ops}/invoke", json={}))
        for _ in range(3):
            await client.post(f"{ops}/invoke", json={}, headers=ASYNC)
        while not acme.node.house.slots.waiting:
            await client.get(f"{ops}/get")
        shown = await read(client)
        acme.toy.gate("gate").set()
        await asyncio.gather(running, waiting)
    assert (shown.value("triform_slots"), shown.value("triform_slots_busy")) == (4, 1)
    assert (shown.value("triform_queue_depth"), shown.value("triform_backlog_runs")) == (1, 3)
    assert shown.value("triform_runs_live") == 2


async def test_answers_are_counted_by_operation_and_class_of_status(acme: World) -> None:
    async with await acme.signed_in() as client:
        ops = await acme.adder(client)
        for _ in range(3):
            await client.post(f"{ops}/invoke", json={})
        await client.post(f"{ops}/invoke", json={"fail": "TOY_BROKE"})
        for path in ("/api/acme/absent/ops/invoke", "/nowhere", "/api/acme/sum/ops/made-up"):
            await client.get(path)
        shown = await read(client)
    assert shown.value("triform_http_answers_total", operation="invoke", status_class="2xx") == 3
    assert shown.value("triform_http_answers_total", operation="invoke", status_class="5xx") == 1
    assert shown.value("triform_http_answers_total", operation="none", status_class="4xx") == 3
    assert shown.value("triform_http_duration_ms_count", operation="invoke") == 4


async def test_no_name_of_a_tenant_is_on_the_page(acme: World) -> None:
    async with await acme.signed_in("quicksilver") as client:
        ops = await acme.adder(client, "amalgam", circle="quicksilver")
        await client.post(f"{ops}/invoke", json={})
        for number in range(20):
            await client.get(f"/api/quicksilver/made-up-{number}/ops/made-up-{number}")
        shown = await read(client)
    for name in ("quicksilver", "amalgam", "made-up"):
        assert name not in shown.text
    known = {operation for kind in acme.node.house.catalogue.types.values() for operation in kind.operations}
    assert set(shown.by("triform_http_duration_ms_count", "operation")) <= known | {"none"}


async def test_every_background_loop_has_its_figures(acme: World) -> None:
    await acme.node.loops[1].once()
    async with acme.client() as client:
        shown = await read(client)
    loops = {loop.name for loop in acme.node.loops} | {"queue"}
    assert loops >= {"lease", "recovery", "reservations", "housekeeping", "sessions", "log_spool"}
    for name in ("triform_loop_failures_total", "triform_loop_duration_seconds_count"):
        assert set(shown.by(name, "loop")) == loops
    last = shown.by("triform_loop_last_success_timestamp_seconds", "loop")
    assert min(last[name] for name in ("recovery", "reservations", "housekeeping")) > 1_700_000_000


async def test_a_loop_that_fails_says_so(acme: World) -> None:
    await acme.database.execute("alter table idempotency_keys rename to elsewhere")
    with pytest.raises(Exception, match="idempotency_keys"):
        await acme.node.loops[3].once()
    async with acme.client() as client:
        shown = await read(client)
    assert shown.value("triform_loop_failures_total", loop="housekeeping") == 1
    assert shown.value("triform_loop_duration_seconds_count", loop="housekeeping") == 2


async def test_the_page_is_there_while_the_database_is_not(acme: World) -> None:
    async with acme.client() as client:
        assert (await read(client)).value("triform_database_up") == 1
        pool, acme.database._pool = acme.database._pool, None
        shown = await read(client)
        acme.database._pool = pool
    assert shown.value("triform_database_up") == 0
    assert "triform_backlog_runs" not in shown.names


@pytest.mark.parametrize(
    "header", [None, "Bearer wrong", "Basic c2VjcmV0", "Bearer ", "Bearer \u00e9", "c1nnabar"]
)
async def test_outside_dev_mode_the_page_needs_its_token(
    header: str | None, database: Database, tmp_path: Path
) -> None:
    headers = {"Authorization": header.encode("latin-1")} if header else {}
    async with world(database, tmp_path, dev=False, metrics_token=TOKEN) as acme, acme.client() as client:
        refused = await client.get("/metrics", headers=headers)
        await read(client, Authorization=f"Bearer {TOKEN}")
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    assert "triform_" not in refused.text
    assert refused.json()["_suggestion"]["fix"]


@pytest.mark.parametrize("token", [None, ""])
async def test_outside_dev_mode_there_is_no_page_without_a_token(
    token: str | None, database: Database, tmp_path: Path
) -> None:
    async with world(database, tmp_path, dev=False, metrics_token=token) as acme, acme.client() as client:
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer None"}):
            answer = await client.get("/metrics", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
