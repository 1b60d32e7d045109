"""What a `runs_replay` would do: which runs, at which version, for how much, and which it cannot repeat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from triform.chemistry.operation import Operation
from triform.circles.policy import allow
from triform.elements.request import refusal
from triform.errors import Suggestion, TriformError
from triform.executor.commits import QUERIES
from triform.executor.errors import RunNotReplayable
from triform.executor.house import House
from triform.executor.passage import Passage
from triform.executor.replay import kept_input, repeating
from triform.runs.call import Call
from triform.runs.diff import unfinished
from triform.runs.model import Run
from triform.runs.reading import Listed, RunReader
from triform.runs.reading_filters import RunFilter, read_filter
from triform.storage.database import Transaction
from triform.wallet import pricing
from triform.wallet.quotes import Forecast, forecast

INPUT_BYTES = 64 << 20
"""Of all inputs of one batch together; they are in memory at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`runs` can be repeated, oldest first; `placed` is a call at the version that they run, `asked` the batch's.

    `more` match, beyond the limit. `forecasts` are those of one call, by operation.
    """

    asked: Call
    placed: Call
    runs: tuple[Run, ...]
    refused: tuple[dict[str, str], ...]
    more: bool
    forecasts: Mapping[str, Forecast]
    free_micro_au: int

    @property
    def most_micro_au(self) -> int:
        return sum(pricing.total(self.forecasts[run.operation].most) for run in self.runs)

    @property
    def expected_micro_au(self) -> int | None:
        """None while nothing tells."""
        each = [self.forecasts[run.operation].expected for run in self.runs]
        return None if None in each else sum(pricing.total(debits) for debits in each if debits)

    def repeating(self, run: Run) -> Call:
        """The call that repeats one of the runs, as one of a batch. Raises RunNotReplayable."""
        again = repeating(self.placed, run, self.placed.type.operations[run.operation], kept_input(run))
        return again.evolve(asked=self.asked, batch=self.asked.run_id)


class Planner:
    def __init__(self, house: House, reader: RunReader) -> None:
        self._house = house
        self._reader = reader

    async def plan(self, call: Call, version: int | None) -> Plan:
        """At the version that a call would run now unless one is given.

        Raises Forbidden, ElementDisabled, NotFound, DeployRequired, RunNotReplayable, InvalidInput.
        """
        operations = _repeated(call)
        for operation in operations:
            allow(call.principal, operation.level, operation.name)
        placed = await self._placed(call, operations[0], version)
        async with self._house.database.transaction() as tx:
            found, more = await self._page(call, tx, operations)
            runs, refused = await self._sifted(tx, [each.run for each in reversed(found)])
            wallet = await self._house.ledger.wallet(tx, call.element.circle_id)
            forecasts = {o.name: await forecast(tx, call.type, placed.element, o) for o in operations}
        return Plan(
            asked=call,
            placed=placed,
            runs=tuple(runs),
            refused=tuple(refused),
            more=more,
            forecasts=forecasts,
            free_micro_au=wallet.balance_micro_au - wallet.held_micro_au,
        )

    async def _placed(self, call: Call, operation: Operation, version: int | None) -> Call:
        """As phases before the record would leave it, had it been called itself."""
        wanted = call.evolve(operation=operation, asked_version=version)
        placed = await self._house.elements.placed(wanted)
        pinned = placed.element.version
        element = await self._house.elements.ensure_usable(placed.element, operation)
        placed = placed.evolve(element=element, asked_version=pinned)
        for name in call.type.hooks.before:
            await self._house.hooks[name](Passage(call=placed), None, self._house)
        return placed

    async def _page(
        self, call: Call, tx: Transaction, operations: Sequence[Operation]
    ) -> tuple[Sequence[Listed], bool]:
        return await self._reader.page(tx, call.element.circle_id, call.element.id, _filter(call, operations))

    async def _sifted(self, tx: Transaction, runs: Sequence[Run]) -> tuple[list[Run], list[dict[str, str]]]:
        """Those that can be repeated, with their inputs, and why the others cannot."""
        size = sum(run.input_size for run in runs)
        if size > INPUT_BYTES:
            rule = f"their inputs are {size} bytes together, and at most {INPUT_BYTES} are repeated at once"
            raise refusal("filter", f"{len(runs)} runs match; {rule}")
        rows = await tx.fetch(QUERIES["inputs"], [run.run_id for run in runs])
        inputs = {row["run_id"]: row["input"] for row in rows}
        fit, refused = list[Run](), list[dict[str, str]]()
        for run in runs:
            try:
                fit.append(_fit(run.evolve(input=inputs[run.run_id])))
            except TriformError as error:
                refused.append(_refused(run.run_id, error))
        return fit, refused


def _repeated(call: Call) -> Sequence[Operation]:
    """What runs versions of elements of this type. Raises RunNotReplayable."""
    found = [each for each in call.type.operations.values() if each.execution and each.has_env]
    if not found:
        raise RunNotReplayable(f"Nothing that {call.type.title} does is repeated.", suggestion=_NOTHING)
    return found


def _filter(call: Call, operations: Sequence[Operation]) -> RunFilter:
    """The newest that match; what repeats others only when it is asked for."""
    asked = call.argument("filter") or {}
    found = read_filter(call.evolve(input=asked, arguments={}))
    originals = found.trigger is None and found.batch is None
    return replace(found, operations=[each.name for each in operations], originals=originals)


def _fit(run: Run) -> Run:
    """The run itself. Raises RunUnfinished, RunNotReplayable."""
    if not run.status.final:
        raise unfinished(run)
    kept_input(run)
    return run


def _refused(run_id: UUID, error: TriformError) -> dict[str, str]:
    failure = error.failure()
    return {"run_id": str(run_id), "code": failure.code, "message": failure.message}


_NOTHING = Suggestion(
    why="Only what runs versions of an element on an input can be compared with an earlier run.",
    fix="Use elements of a type that is invoked.",
)
