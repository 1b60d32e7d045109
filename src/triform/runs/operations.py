"""Reading runs: the operations of an element, and the same for a whole circle."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from triform.clock import Clock
from triform.elements.request import refusal, whole_number
from triform.errors import NotFound
from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.diff import RunDiff
from triform.runs.reading import RunReader
from triform.runs.reading_filters import cursor_after, read_filter
from triform.runs.show import line_json, run_json
from triform.runs.stats import figures_of, period_of
from triform.storage.database import Transaction

LINES = 1000
MOST_LINES = 10_000


class RunOperations:
    """`table()` names the functions the platform substrate binds. A foreign run is as absent as none."""

    def __init__(self, reader: RunReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    def table(self) -> Mapping[str, Any]:
        return {
            "runs": self.runs,
            "circle_runs": self.circle_runs,
            "run_get": self.run_get,
            "circle_run_get": self.circle_run_get,
            "run_diff": RunDiff(self._reader),
            "logs": self.logs,
            "stats": self.stats,
        }

    async def runs(self, call: Call, tx: Transaction) -> Reply:
        """`{runs, next}`, newest first; `next` is the cursor of the following page, null on the last."""
        return await self._page(call, tx, call.element.id)

    async def circle_runs(self, call: Call, tx: Transaction) -> Reply:
        """As `runs`, of every element of the circle."""
        return await self._page(call, tx, None)

    async def run_get(self, call: Call, tx: Transaction) -> Reply:
        """The run with its last lines. Raises NotFound."""
        return await self._run(call, tx, call.element.id)

    async def circle_run_get(self, call: Call, tx: Transaction) -> Reply:
        """As `run_get`, of any element of the circle."""
        return await self._run(call, tx, None)

    async def logs(self, call: Call, tx: Transaction) -> Reply:
        """`{lines, complete}`: what the element printed last, oldest first."""
        limit = whole_number(call, "limit", LINES, 1, MOST_LINES)
        since = call.argument("since_run_id")
        after = _run_id("since_run_id", since) if since is not None else None
        tail = await self._reader.tail(tx, call.element.circle_id, call.element.id, after, limit)
        lines = [{"run_id": str(run_id), **line_json(line)} for run_id, line in tail.lines]
        return Reply({"lines": lines, "complete": tail.complete})

    async def stats(self, call: Call, tx: Transaction) -> Reply:
        """`{period, runs, runs_per_day, errors_per_day, success_rate, …, health}`."""
        element = call.element
        return Reply(await figures_of(tx, element.circle_id, element.id, period_of(call), self._clock.now()))

    async def _page(self, call: Call, tx: Transaction, element_id: UUID | None) -> Reply:
        found, more = await self._reader.page(tx, call.element.circle_id, element_id, read_filter(call))
        following = cursor_after(found[-1].run.run_id) if more else None
        return Reply({"runs": [run_json(each.run, heads=each.heads) for each in found], "next": following})

    async def _run(self, call: Call, tx: Transaction, element_id: UUID | None) -> Reply:
        run_id = _run_id("run_id", call.argument("run_id"))
        found = await self._reader.find(tx, call.element.circle_id, element_id, run_id)
        if found is None:
            raise NotFound
        run, lines = found
        replays = await self._reader.replays_of(tx, run)
        return Reply({**run_json(run, lines), "replays": [str(each) for each in replays]})


def _run_id(name: str, value: Any) -> UUID:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise refusal(name, "this is the id of a run") from None
