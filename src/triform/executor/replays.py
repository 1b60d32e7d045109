"""`runs_replay`: many runs once more, accepted together, so that a crash leaves nothing half begun.

plan ─▶ canary accepted ─▶ its runs end ─▶ compared ─▶ the rest accepted, with the record of it
        (one transaction)                     │         (one transaction)
                                              └▶ differ: nothing more is started
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from triform.elements.request import flag, whole_number
from triform.errors import Suggestion
from triform.executor.commits import QUERIES, Acceptance, Verdict
from triform.executor.errors import IdempotencyInFlight, Stale
from triform.executor.house import House
from triform.executor.meter import priced
from triform.executor.passage import Passage
from triform.executor.record_execution import acceptance_of, waiting_run
from triform.executor.replay_plan import Plan, Planner
from triform.executor.waiting import Waiting
from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.diff import ended_alike
from triform.runs.model import Run
from triform.runs.reading import RunReader
from triform.storage.database import Transaction
from triform.wallet.model import InsufficientBalance

CANARY_S = 300.0
"""How long the canary is waited for."""

PER_SECOND = 10
FASTEST = 100

Pair = tuple[Run, UUID]
"""A run, and the id of the one that repeats it."""


@dataclass(frozen=True, slots=True)
class Canary:
    """`alike` is None for those that did not end in time."""

    pairs: tuple[Pair, ...]
    alike: tuple[bool | None, ...]

    @property
    def same(self) -> bool:
        return all(self.alike)


@dataclass(frozen=True, slots=True)
class Prepared:
    plan: Plan
    canary: Canary | None


class ReplayRuns:
    """The canary is prepared outside the transaction, since its runs take their time."""

    def __init__(self, house: House, waiting: Waiting) -> None:
        self._house = house
        self._waiting = waiting
        self._planner = Planner(house, RunReader(house.live))

    async def prepare(self, call: Call) -> Prepared:
        """Raises what would refuse one of the runs: all of them start, or none.

        It may be asked again, when the rest met a change of the element: then the canary is there already.
        """
        begun = await self._house.database.fetch(QUERIES["batch"], call.run_id, call.element.circle_id)
        plan = await self._planner.plan(call, begun[0]["element_version"] if begun else call.argument("version"))
        if begun:
            return Prepared(plan, await self._compared({row["replay_of"]: row["run_id"] for row in begun}, plan))
        size = whole_number(call, "canary", 0, 0, 100)
        if _dry(call) or not plan.runs:
            return Prepared(plan, None)
        if plan.most_micro_au > plan.free_micro_au:
            raise _unaffordable(plan, plan.free_micro_au)
        await self._house.backlog.ensure_room(call.element.circle_id, len(plan.runs))
        return Prepared(plan, await self._canary(call, plan, size) if size else None)

    async def __call__(self, call: Call, tx: Transaction, prepared: Prepared) -> Reply:
        plan, canary = prepared.plan, prepared.canary
        pairs = canary.pairs if canary else ()
        known = {run.run_id for run, _ in pairs}
        stopped = canary is not None and not canary.same
        rest = [] if _dry(call) or stopped else [run for run in plan.runs if run.run_id not in known]
        begun = await self._accepted(tx, plan, rest, pace=whole_number(call, "per_second", PER_SECOND, 1, FASTEST))
        answer = _answer(call, plan, (*pairs, *begun), canary)
        return Reply(answer, after_commit=(lambda: self._house.backlog.came(call.element.circle_id, len(begun)),))

    async def _canary(self, call: Call, plan: Plan, size: int) -> Canary:
        """The first runs, repeated, waited for and compared."""
        async with self._house.database.transaction() as tx:
            pairs = await self._accepted(tx, plan, plan.runs[:size], key=call.idempotency_key)
        self._house.backlog.came(call.element.circle_id, len(pairs))
        return await self._compared({run.run_id: replay for run, replay in pairs}, plan)

    async def _compared(self, replays: Mapping[UUID, UUID], plan: Plan) -> Canary:
        pairs = tuple((run, replays[run.run_id]) for run in plan.runs if run.run_id in replays)
        ended = [self._waiting.ended(run.circle_id, replay, CANARY_S) for run, replay in pairs]
        found = zip(pairs, await asyncio.gather(*ended), strict=True)
        return Canary(pairs, tuple([await self._alike(run, replay) for (run, _), replay in found]))

    async def _alike(self, run: Run, replay: Run) -> bool | None:
        if not replay.status.final:
            return None
        original = await self._waiting.ended(run.circle_id, run.run_id, 0.0)
        return await asyncio.to_thread(ended_alike, original, replay)

    async def _accepted(
        self, tx: Transaction, plan: Plan, runs: Sequence[Run], *, pace: int | None = None, key: str | None = None
    ) -> tuple[Pair, ...]:
        """All of them, or none. With a pace they wait for their time in the backlog, others go before them."""
        if not runs:
            return ()
        items = []
        for place, run in enumerate(runs):
            items.append(self._acceptance(plan, run, place / pace if pace else 0, key))
            await asyncio.sleep(0)  # Inputs may be large, and others want their turn.
        admissions = await self._house.commits.accept_in(tx, items)
        _all_admitted(plan, {admission.verdict: admission.free_micro_au for admission in admissions})
        return tuple((run, item.run.run_id) for run, item in zip(runs, items, strict=True))

    def _acceptance(self, plan: Plan, run: Run, after_s: float, key: str | None) -> Acceptance:
        again = plan.repeating(run).evolve(idempotency_key=f"{key} {run.run_id}" if key else None)
        due = self._house.clock.now() + timedelta(seconds=after_s) if after_s else None
        passage = priced(Passage(call=again))
        return acceptance_of(passage, waiting_run(again, self._house), None, self._house, due)


def _dry(call: Call) -> bool:
    return flag(call, "dry_run", True)


def _all_admitted(plan: Plan, verdicts: Mapping[Verdict, int | None]) -> None:
    """The transaction is undone by what this raises."""
    if Verdict.stale in verdicts:
        raise Stale
    if Verdict.unaffordable in verdicts:
        raise _unaffordable(plan, verdicts[Verdict.unaffordable] or 0)
    if Verdict.duplicate in verdicts:
        raise IdempotencyInFlight(suggestion=_CANARY_THERE)


def _unaffordable(plan: Plan, free: int) -> InsufficientBalance:
    return InsufficientBalance.for_price(plan.most_micro_au, free, f"Repeating {len(plan.runs)} runs")


def _answer(call: Call, plan: Plan, pairs: Sequence[Pair], canary: Canary | None) -> dict[str, Any]:
    begun = {run.run_id: replay for run, replay in pairs}
    return {
        "dry_run": _dry(call),
        "batch": None if _dry(call) else str(call.run_id),
        "version": plan.placed.element.version,
        "env": plan.placed.env,
        "count": len(plan.runs),
        "more": plan.more,
        "refused": list(plan.refused),
        "cost": {
            "most_micro_au": plan.most_micro_au,
            "expected_micro_au": plan.expected_micro_au,
            "free_micro_au": plan.free_micro_au,
            "affordable": plan.free_micro_au >= plan.most_micro_au,
        },
        "runs": [{"replay_of": str(run.run_id), "run_id": _text(begun.get(run.run_id))} for run in plan.runs],
        "canary": _canary_json(canary) if canary else None,
        "stopped": canary is not None and not canary.same,
    }


def _canary_json(canary: Canary) -> dict[str, Any]:
    found = list(zip(canary.pairs, canary.alike, strict=True))
    return {
        "runs": len(found),
        "same": canary.same,
        "differing": [_pair_json(pair) for pair, alike in found if alike is False],
        "unfinished": [_pair_json(pair) for pair, alike in found if alike is None],
    }


def _pair_json(pair: Pair) -> dict[str, str]:
    run, replay = pair
    return {"replay_of": str(run.run_id), "run_id": str(replay)}


def _text(run_id: UUID | None) -> str | None:
    return None if run_id is None else str(run_id)


_CANARY_THERE = Suggestion(
    why="The first request with this key has begun its canary, and has not ended or was interrupted.",
    fix="Look for what it started (GET …/ops/runs?trigger=replay); a new key begins anew.",
    op="runs",
)


def table(house: House, waiting: Waiting) -> Mapping[str, Any]:
    return {"runs_replay": ReplayRuns(house, waiting)}
