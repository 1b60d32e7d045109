"""Runs begun, let go, failed, tried again and cancelled in any order: each has one life, told once."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.hunting import examples
from tests.integration.executor.world import World, balanced, world
from triform.storage.database import Database

FINAL = {"completed", "failed", "cancelled"}
NEXT = {"pending": {"pending", "running"} | FINAL, "running": {"running", "pending"} | FINAL}
PLANS = {
    "fine": {"a": 1},
    "fails": {"fail": "TOY_BROKE"},
    "recovers": {"fail": "TOY_BROKE", "retryable": True, "times": 1, "a": 1},
    "gives up": {"fail": "TOY_BROKE", "retryable": True},
    "fault": {"fail": "PLATFORM_FAULT", "class": "unavailable"},
}
ENDS = {"fine": "completed", "recovers": "completed", "fails": "failed", "gives up": "failed", "fault": "failed"}
ASYNC = {"Prefer": "respond-async"}


@dataclass
class Life:
    """A run as the machine knows it; `task` is the caller who waits for it, if one does."""

    slug: str
    plan: str
    gate: str
    run_id: str = ""
    task: asyncio.Task[Any] | None = None
    told: dict[str, Any] = field(default_factory=dict)
    opened: bool = False
    cancelled: bool = False


class Lives(RuleBasedStateMachine):
    """Two elements: one runs many at once, the other a single one, so that runs wait for it."""

    dsn = ""
    folder = Path()

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.open = AsyncExitStack()
        self.lives: dict[str, Life] = {}
        self._run(self._opened())

    async def _opened(self) -> None:
        self.database = await self.open.enter_async_context(Database(self.dsn, pool_size=4))
        self.world: World = await self.open.enter_async_context(
            world(self.database, self.folder, queue_wait_ms=60_000)
        )
        self.name = f"c{self.world.node.house.ids.new().hex[-20:]}"
        self.client = await self.open.enter_async_context(await self.world.signed_in(self.name))
        await self.world.adder(self.client, "wide", self.name)
        await self.world.adder(self.client, "narrow", self.name, concurrency={"max": 1})

    def teardown(self) -> None:
        try:
            self._run(self._all_end())
        finally:
            self._run(self.open.aclose())
            self.loop.close()

    async def _all_end(self) -> None:
        """Whatever happened before, everything that is let go ends as planned, and nothing is left behind."""
        for life in self.lives.values():
            self.world.toy.gate(life.gate).set()
        for run_id in self.lives:
            told = (await self.client.get(self._address(run_id), params={"wait": 20})).json()
            self._compare(run_id, told)
            assert told["status"] in FINAL, told
            if not self.lives[run_id].cancelled:
                assert told["status"] == ENDS[self._as_carried_out(self.lives[run_id])], told["error"]
        await asyncio.gather(*(life.task for life in self.lives.values() if life.task))
        await self._each_is_told_once()
        await balanced(self.database)
        assert self.world.node.house.slots.free == self.world.node.house.slots.total

    @rule(slug=st.sampled_from(["wide", "narrow"]), plan=st.sampled_from(sorted(PLANS)), waits=st.booleans())
    def begin(self, slug: str, plan: str, waits: bool) -> None:
        gate = f"gate {len(self.lives)}"
        life = Life(slug, plan, gate)
        body, path = {**PLANS[plan], "wait": gate}, f"/api/{self.name}/{slug}/ops/invoke"
        if waits:
            life.task = self.loop.create_task(self.client.post(path, json=body))
            life.run_id = self._run(self._newest(slug))
        else:
            answer = self._run(self.client.post(path, json=body, headers=ASYNC))
            assert answer.status_code == 202, answer.text
            life.run_id = answer.json()["run_id"]
        self.lives[life.run_id] = life

    @precondition(lambda self: self.lives)
    @rule(which=st.data())
    def let_go(self, which: st.DataObject) -> None:
        life = self._draw(which)
        self.world.toy.gate(life.gate).set()
        life.opened = True

    @precondition(lambda self: self.lives)
    @rule(which=st.data(), at_once=st.integers(1, 3), let_go=st.booleans(), steps=st.integers(0, 12))
    def cancel(self, which: st.DataObject, at_once: int, let_go: bool, steps: int) -> None:
        """Perhaps just when it ends by itself: after so many steps of the event loop."""
        life = self._draw(which)
        answers = self._run(self._cancel(life, at_once, let_go, steps))
        life.opened |= let_go
        for answer in answers:
            assert answer.status_code in (200, 409), answer.text
            if answer.status_code == 200:
                assert answer.json()["status"] == "cancelled"
                life.cancelled = True
            else:
                assert answer.json()["code"] == "RUN_NOT_CANCELLABLE"
        told = self._run(self.client.get(self._address(life.run_id))).json()
        assert told["status"] in FINAL
        life.cancelled = life.cancelled or told["status"] == "cancelled"

    @rule(steps=st.integers(1, 50))
    def wait(self, steps: int) -> None:
        self._run(self._steps(steps))

    @invariant()
    def every_life_goes_forward(self) -> None:
        for run_id in self.lives:
            self._compare(run_id, self._run(self.client.get(self._address(run_id))).json())

    def _compare(self, run_id: str, told: dict[str, Any]) -> None:
        life = self.lives[run_id]
        before = life.told or told
        if before["status"] in FINAL:
            assert told == before
        else:
            assert told["status"] in NEXT[before["status"]]
            assert len(told["attempts"]) >= len(before["attempts"])
        assert not life.cancelled or told["status"] == "cancelled"
        assert (told["finished_at"] is not None) is (told["status"] in FINAL)
        life.told = told

    def _as_carried_out(self, life: Life) -> str:
        """Who waits is told the first outcome; nothing is tried again for him."""
        return "fails" if life.task and life.plan == "recovers" else life.plan

    async def _each_is_told_once(self) -> None:
        events = await self.database.fetch(
            "select invocation_id, kind, count(*) from events where kind like 'run.%' group by 1, 2"
        )
        counts = {(str(event["invocation_id"]), event["kind"]): event["count"] for event in events}
        for run_id, life in self.lives.items():
            assert [counts.get((run_id, f"run.{status}"), 0) for status in sorted(FINAL)] == [
                int(life.told["status"] == status) for status in sorted(FINAL)
            ]
            assert counts.get((run_id, "run.started"), 0) == bool(life.told["attempts"])

    async def _cancel(self, life: Life, at_once: int, let_go: bool, steps: int) -> list[Any]:
        path = f"{self._address(life.run_id)}/cancel"
        asked = [asyncio.create_task(self.client.post(path)) for _ in range(at_once)]
        await self._steps(steps)
        if let_go:
            self.world.toy.gate(life.gate).set()
        return list(await asyncio.gather(*asked))

    async def _newest(self, slug: str) -> str:
        """The id of the run that the last call began."""
        while True:
            runs = (await self.client.get(f"/api/{self.name}/{slug}/ops/runs")).json()["runs"]
            if runs and runs[0]["run_id"] not in self.lives:
                return str(runs[0]["run_id"])

    async def _steps(self, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    def _address(self, run_id: str) -> str:
        return f"/api/{self.name}/{self.lives[run_id].slug}/ops/runs/{run_id}"

    def _draw(self, which: st.DataObject) -> Life:
        return self.lives[which.draw(st.sampled_from(sorted(self.lives)))]

    def _run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)


@pytest.mark.hypothesis
def test_every_run_has_one_life(database_dsn: str, tmp_path: Path) -> None:
    Lives.dsn, Lives.folder = database_dsn, tmp_path
    run_state_machine_as_test(
        Lives, settings=examples(12, stateful_step_count=20, suppress_health_check=list(HealthCheck))
    )
