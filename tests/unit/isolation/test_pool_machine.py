"""The pool under any sequence of leases, failures, deaths and pressure: its promises hold after every step."""

import asyncio
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.hunting import examples
from tests.unit.isolation.conftest import make_spec
from tests.unit.isolation.scripted import ScriptedDriver
from triform.substrates.isolation.interfaces import DriverFault, LoadFailed
from triform.substrates.isolation.pool import Pool
from triform.substrates.isolation.shelf import Footprint, Lease, Policy
from triform.testing.clock import FakeClock

OWNERS = st.sampled_from(["a", "b", "c", "d"])
FAULTS = st.sampled_from([None, None, None, DriverFault("machine"), LoadFailed("load_error"), LoadFailed("oom")])
POLICY = Policy(
    memory_mb=100, footprint=Footprint(40, 1), most_spares=2, idle_s=20, failure_s=50, passing_s=10, lag_s=0
)


class PoolMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.driver = ScriptedDriver()
        self.clock = FakeClock()
        self.pool = self.run(self._make())
        self.leases: list[Lease] = []
        self.lent: set[int] = set()

    async def _make(self) -> Pool:
        return Pool(self.driver, self.clock, POLICY)

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def _settled(self, work: Any = None) -> Any:
        answer = await work if work is not None else None
        for _ in range(60):
            await asyncio.sleep(0)
        return answer

    @rule(owner=OWNERS)
    def lease(self, owner: str) -> None:
        try:
            lease = self.run(self._settled(self.pool.obtain(make_spec(owner))))
        except (DriverFault, LoadFailed):
            return
        assert id(lease.instance) not in self.lent, "an instance was lent twice"
        assert not lease.instance.dead.is_set()
        assert lease.template not in self.driver.discarded
        self.lent.add(id(lease.instance))
        self.leases.append(lease)

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), distrust=st.booleans())
    def give_back(self, data: st.DataObject, distrust: bool) -> None:
        lease = self.leases.pop(data.draw(st.integers(0, len(self.leases) - 1)))
        if distrust:
            self.pool.distrust(lease)
        self.run(self._settled(self.pool.give_back(lease)))

    @rule(owner=OWNERS)
    def warm(self, owner: str) -> None:
        try:
            self.run(self._settled(self.pool.warm(make_spec(owner))))
        except (DriverFault, LoadFailed):
            return

    @rule(fault=FAULTS)
    def loading_goes_like_this(self, fault: Exception | None) -> None:
        self.driver.on_template = lambda spec: fault

    @rule(fault=st.sampled_from([None, None, DriverFault("clone")]))
    def cloning_goes_like_this(self, fault: Exception | None) -> None:
        self.driver.on_clone = lambda template: fault

    @rule(reusable=st.booleans())
    def templates_are(self, reusable: bool) -> None:
        self.driver.reusable = reusable

    @rule(seconds=st.integers(1, 60))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.run(self._settled(self.pool.tend()))

    @invariant()
    def what_is_lent_is_alive_and_so_is_its_template(self) -> None:
        for lease in self.leases:
            assert not lease.instance.dead.is_set()  # type: ignore[attr-defined]
            assert lease.template not in self.driver.discarded

    @invariant()
    def nothing_is_discarded_twice(self) -> None:
        assert len({id(template) for template in self.driver.discarded}) == len(self.driver.discarded)

    @invariant()
    def everything_alive_is_lent_or_a_spare(self) -> None:
        facts = self.pool.facts()
        retired = {id(lease.shelf): lease.shelf for lease in self.leases if lease.shelf.retired}
        hidden = sum(len(shelf.spares) for shelf in retired.values())
        assert len(self.driver.alive) == len(self.leases) + facts["spares"] + hidden

    def teardown(self) -> None:
        for lease in self.leases:
            self.run(self.pool.give_back(lease))
        self.run(self.pool.stop())
        assert not self.driver.alive
        assert not self.driver.standing
        self.loop.close()


PoolMachine.TestCase.settings = examples(25, stateful_step_count=30)
TestPoolMachine = PoolMachine.TestCase
