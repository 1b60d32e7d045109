"""One Idempotency-Key, one effect, whatever else happens: a model of keys beside a node over real Postgres."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.hunting import examples
from tests.integration.executor.world import World, balanced, world
from triform.storage.database import Database
from triform.testing.clock import SkewedClock

TTL_S = 86_400
PLACES = ("one/ops/invoke", "two/ops/invoke", "ops/wallet/top_up")
KEYS = ("k1", "k2")
FINE = ({"a": 1}, {"a": 2})
FAILS = {"fail": "TOY_BROKE"}
FAULTS = {"fail": "PLATFORM_FAULT", "class": "unavailable"}
BODIES = st.sampled_from([*FINE, FAILS, FAULTS])
STATUS = {str(FAILS): 500, str(FAULTS): 503}


_CHARGED = "select coalesce(sum(cost_micro_au), 0)::bigint from runs where circle = $1"


@dataclass
class Used:
    """What a key stands for. `answer` is None while its run goes on."""

    body: Any
    run_id: str
    until: float
    answer: int | None = None


class Keys(RuleBasedStateMachine):
    dsn = ""
    folder = Path()

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock, self.open = SkewedClock(), AsyncExitStack()
        self.used: dict[tuple[str, str], Used] = {}
        self.going: dict[str, tuple[str, Used, asyncio.Task[Any]]] = {}
        self.executed = self.added = self.gates = 0
        self.world, self.client = self._run(self._opened())

    async def _opened(self) -> tuple[World, Any]:
        self.database = await self.open.enter_async_context(Database(self.dsn, pool_size=4))
        node = await self.open.enter_async_context(world(self.database, self.folder, self.clock))
        self.name = name = f"c{node.node.house.ids.new().hex[-20:]}"
        signed_in = await self.open.enter_async_context(await node.signed_in(name))
        for slug in ("one", "two"):
            await node.adder(signed_in, slug, name)
        key = await signed_in.post(f"/api/{name}/ops/tokens/create", json={"name": "lasting", "role": "admin"})
        client = await self.open.enter_async_context(node.client(key.json()["token"]))
        self.path, self.toy = f"/api/{name}/", node.toy
        self.granted = (await client.get(f"{self.path}ops/wallet")).json()["balance_micro_au"]
        return node, client

    def teardown(self) -> None:
        for gate in list(self.going):
            self._let_go(gate)
        self._run(self._closed())
        self.loop.close()

    async def _closed(self) -> None:
        await balanced(self.database)
        await self.open.aclose()

    @rule(place=st.sampled_from(PLACES), key=st.sampled_from(KEYS), body=BODIES, at_once=st.integers(1, 4))
    def call(self, place: str, key: str, body: Any, at_once: int) -> None:
        """The same request so many times at once: one of them has the effect, if there is to be any."""
        body = self._fit(place, body)
        answers = self._run(self._all(self._post(place, key, body) for _ in range(at_once)))
        known = self._known(place, key)
        if known is None:
            self._first(place, key, body, answers)
        elif known.body != body:
            assert {each.json()["code"] for each in answers} == {"IDEMPOTENCY_KEY_REUSED"}
        elif known.answer is None:
            assert {(each.json()["code"], each.json()["run_id"]) for each in answers} == {
                ("IDEMPOTENCY_IN_FLIGHT", known.run_id)
            }
        else:
            assert {self._told(each) for each in answers} == {(known.answer, known.run_id, "true")}

    @rule(place=st.sampled_from(PLACES[:2]), key=st.sampled_from(KEYS))
    def begin(self, place: str, key: str) -> None:
        """A call that goes on until it is let go."""
        if self._known(place, key) is not None:
            return
        self.gates += 1
        gate = f"gate {self.gates}"
        body = {"wait": gate}
        task = self.loop.create_task(self._post(place, key, body))
        self._run(self._begun(gate, task))
        run_id = self._run(self.client.get(f"{self.path}{place[:3]}/ops/runs")).json()["runs"][0]["run_id"]
        self.going[gate] = (place, self._remember(place, key, body, run_id, None), task)
        self.executed += 1

    @precondition(lambda self: self.going)
    @rule(which=st.data(), cancel=st.booleans())
    def let_go(self, which: st.DataObject, cancel: bool) -> None:
        self._let_go(which.draw(st.sampled_from(sorted(self.going))), cancel)

    @rule(seconds=st.sampled_from([3600, TTL_S - 10, TTL_S + 10]))
    def later(self, seconds: float) -> None:
        self.clock.ahead += seconds

    @rule(place=st.sampled_from(PLACES[:2]), key=st.sampled_from(KEYS))
    def a_refused_call_takes_no_key(self, place: str, key: str) -> None:
        slug = place[:3]
        self._run(self.client.post(f"{self.path}{slug}/ops/disable"))
        refused = self._run(self._post(place, key, {"a": 5}))
        assert refused.json()["code"] == "ELEMENT_DISABLED"
        self._run(self.client.post(f"{self.path}{slug}/ops/enable"))

    @invariant()
    def every_effect_happened_once(self) -> None:
        assert self.toy.seen == self.executed
        wallet = self._run(self.client.get(f"{self.path}ops/wallet")).json()
        spent = self.granted + self.added - wallet["balance_micro_au"]
        charged = self._run(self.database.fetchval(_CHARGED, self.name))
        assert spent == charged

    def _first(self, place: str, key: str, body: Any, answers: list[Any]) -> None:
        expected = STATUS.get(str(body), 200)
        if expected == 503:  # A fault gives the key back, so each of them may be the next first.
            ran = [each for each in answers if each.status_code == 503]
            assert ran
            self.executed += len({each.json()["run_id"] for each in ran})
            return
        done = [each for each in answers if each.status_code == expected]
        assert len({each.headers["triform-run-id"] for each in done}) == 1
        assert sum("idempotent-replayed" not in each.headers for each in done) == 1
        assert all(each.json()["code"] == "IDEMPOTENCY_IN_FLIGHT" for each in answers if each not in done)
        self._remember(place, key, body, done[0].headers["triform-run-id"], expected)
        if place == PLACES[2]:
            self.added += body["amount_micro_au"]
        else:
            self.executed += 1

    def _let_go(self, gate: str, cancel: bool = False) -> None:
        place, used, task = self.going.pop(gate)
        if cancel:
            ended = self._run(self.client.post(f"{self.path}{place[:3]}/ops/runs/{used.run_id}/cancel"))
            assert (ended.status_code, ended.json()["status"]) == (200, "cancelled")
        self.toy.gate(gate).set()
        used.answer = self._run(task).status_code
        assert used.answer == (409 if cancel else 200)

    def _known(self, place: str, key: str) -> Used | None:
        used = self.used.get((place, key))
        return used if used is not None and used.until > self.clock.ahead else None

    def _remember(self, place: str, key: str, body: Any, run_id: str, answer: int | None) -> Used:
        self.used[place, key] = Used(body, run_id, self.clock.ahead + TTL_S, answer)
        return self.used[place, key]

    def _fit(self, place: str, body: Any) -> Any:
        if place != PLACES[2]:
            return body
        return {"amount_micro_au": body.get("a", 3), "reference": "a test"}

    async def _begun(self, gate: str, task: asyncio.Task[Any]) -> None:
        begun = asyncio.create_task(self.toy.begun(gate).wait())
        await asyncio.wait({begun, task}, return_when=asyncio.FIRST_COMPLETED)
        assert not task.done(), task.result().text

    async def _post(self, place: str, key: str, body: Any) -> Any:
        return await self.client.post(self.path + place, json=body, headers={"Idempotency-Key": key})

    @staticmethod
    def _told(answer: Any) -> tuple[int, str, str | None]:
        return answer.status_code, answer.headers["triform-run-id"], answer.headers.get("idempotent-replayed")

    @staticmethod
    async def _all(calls: Any) -> list[Any]:
        return list(await asyncio.gather(*calls))

    def _run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)


@pytest.mark.hypothesis
def test_a_key_has_one_effect_whatever_happens(database_dsn: str, tmp_path: Path) -> None:
    Keys.dsn, Keys.folder = database_dsn, tmp_path
    run_state_machine_as_test(
        Keys, settings=examples(10, stateful_step_count=20, suppress_health_check=list(HealthCheck))
    )
