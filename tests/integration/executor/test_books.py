"""The books under any order of grouped commits: runs, holds and ledger always agree."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, multiple, rule, run_state_machine_as_test

from tests.hunting import examples
from triform.circles.model import Actor
from triform.clock import SystemClock
from triform.executor.commits import Acceptance, Commits, End, Start, Verdict
from triform.ids import Ids
from triform.runs.model import Attempt, Debit, Run, Status
from triform.storage.database import Database

from .world import balanced

MONEY = 1_000
_CIRCLE = """
with c as (insert into circles (id, name, created_at) values ($1, $2, now()) returning id),
     e as (insert into elements (id, circle_id, slug, element_type, name, state, enabled_state, version, spec,
                                 meta, created_at, updated_at)
           select id, id, 'e', 'adder', 'e', 'ready', 'ready', 1, '{}', '{}', now(), now() from c),
     w as (insert into wallets (circle_id, balance_micro_au) select id, $3::bigint from c)
insert into ledger (id, circle_id, debit_account, credit_account, amount_micro_au, balance_after_micro_au,
                    dimension, at)
select $4, id, 'grants', id::text, $3::bigint, $3::bigint, 'grant', now() from c
"""


class Books(RuleBasedStateMachine):
    """Batches of acceptances, starts and ends, valid or not, over two circles with little money."""

    dsn = ""
    pending = Bundle("pending")
    running = Bundle("running")
    ended = Bundle("ended")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.ids, self.clock = Ids(), SystemClock()
        self.database = Database(self.dsn, pool_size=2)
        self._run(self._open())

    async def _open(self) -> None:
        await self.database.open()
        self.commits = Commits(self.database, self.ids)
        self.circles = [self.ids.new(), self.ids.new()]
        for circle in self.circles:
            await self.database.execute(_CIRCLE, circle, f"c{circle.hex}", MONEY, self.ids.new())

    def teardown(self) -> None:
        self._run(self.database.close())
        self.loop.close()

    @rule(
        target=pending,
        asked=st.lists(
            st.tuples(st.integers(0, 1), st.integers(0, 600), st.sampled_from([None, "k1", "k2"])), max_size=4
        ),
    )
    def accept(self, asked: list[tuple[int, int, str | None]]) -> Any:
        runs = [(self._new(self.circles[circle], key), hold) for circle, hold, key in asked]
        verdicts = self._all(self.commits.accept(self._acceptance(run, hold)) for run, hold in runs)
        self._check()
        admitted = [(r, h) for (r, h), v in zip(runs, verdicts, strict=True) if v.verdict is Verdict.admitted]
        return multiple(*admitted)

    @rule(target=running, taken=consumes(pending))
    def start(self, taken: tuple[Run, int]) -> Any:
        run, hold = taken
        begun = run.evolve(status=Status.running, attempts=(Attempt(number=1, started_at=self.clock.now()),))
        start = Start(run=begun, expected=0, attempt=1, worker_id=UUID(int=1), at=self.clock.now())
        assert self._all([self.commits.start(start), self.commits.start(start)]) == [True, False]
        self._check()
        return begun, hold

    @rule(target=ended, taken=consumes(running), share=st.floats(0, 1), failed=st.booleans())
    def end(self, taken: tuple[Run, int], share: float, failed: bool) -> Any:
        run, hold = taken
        final = self._final(run, int(hold * share), Status.failed if failed else Status.completed)
        end = End(run=final, expected="running", attempt=1, lines=(), release_key=failed)
        assert sorted(self._all([self.commits.end(end), self.commits.end(end)])) == [False, True]
        self._check()
        return final

    @rule(taken=consumes(pending))
    def cancel_waiting(self, taken: tuple[Run, int]) -> None:
        final = self._final(taken[0], 0, Status.cancelled)
        end = End(run=final, expected="pending", attempt=0, lines=(), release_key=False)
        assert self._all([self.commits.end(end)]) == [True]
        self._check()

    @rule(run=ended)
    def what_has_ended_stays(self, run: Run) -> None:
        other = self._final(run, 500, Status.completed)
        for expected, attempt in (("running", 1), ("pending", 0)):
            end = End(run=other, expected=expected, attempt=attempt, lines=(), release_key=False)
            assert self._all([self.commits.end(end)]) == [False]
        stored = self._run(
            self.database.fetchrow("select status, cost_micro_au from runs where run_id = $1", run.run_id)
        )
        assert (stored["status"], stored["cost_micro_au"]) == (run.status, run.cost_micro_au)

    def _check(self) -> None:
        self._run(balanced(self.database))
        held = self._run(
            self.database.fetchval(
                "select bool_and(held_micro_au = coalesce((select sum(amount_micro_au) from holds h"
                " where h.circle_id = w.circle_id), 0) and held_micro_au <= balance_micro_au) from wallets w"
            )
        )
        assert held

    def _new(self, circle: UUID, key: str | None) -> Run:
        return Run(
            run_id=self.ids.new(), circle_id=circle, circle="c", element_id=circle, element="e", element_version=1,
            env="draft", operation="invoke", execution=True, status=Status.pending, trigger="http",
            actor=Actor("user", "u"), input=b"{}", input_size=2, input_digest=b"", created_at=self.clock.now(),
            idempotency_key=key,
        )  # fmt: skip

    def _acceptance(self, run: Run, hold: int) -> Acceptance:
        return Acceptance(
            run=run, attempt=0, worker_id=None, element_state="ready", live_version=None,
            graph_revision=0, credential_id=None,
            credential_revision=0,
            hold_micro_au=hold, key_digest=b"d" if run.idempotency_key else None, key_ttl=timedelta(hours=1),
            key_operation=run.operation,
        )  # fmt: skip

    def _final(self, run: Run, cost: int, status: Status) -> Run:
        debits = (Debit("per_invocation", cost),) if cost else ()
        return run.evolve(status=status, debits=debits, cost_micro_au=cost, finished_at=self.clock.now())

    def _all(self, awaitables: Any) -> Any:
        async def together() -> Any:
            return await asyncio.gather(*awaitables)

        return self._run(together())

    def _run(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(awaitable)


@pytest.mark.hypothesis
def test_runs_holds_and_ledger_always_agree(database_dsn: str) -> None:
    Books.dsn = database_dsn
    run_state_machine_as_test(
        Books,
        settings=examples(25, stateful_step_count=20, suppress_health_check=list(HealthCheck)),
    )
