"""`run_cancel`: ends a pending or running run, wherever it is, and answers with it as it ended."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from triform.errors import NotFound, PlatformFault
from triform.executor.commits import QUERIES
from triform.executor.ending import Ending
from triform.executor.errors import RunNotCancellable
from triform.executor.house import House
from triform.executor.stored import live_run
from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.model import Ended, Run, Status
from triform.runs.rows import run_from_row
from triform.runs.show import run_json
from triform.storage.database import Row, Transaction

_PATIENCE_S = 10.0
_LOOK_EVERY_S = 0.2


class CancelRun:
    """Prepared outside the transaction, since ending a sandbox takes its time."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._ending = Ending(house)

    async def prepare(self, call: Call) -> Run:
        run_id = UUID(call.argument("run_id"))
        row = await self._row(run_id)
        if row is None or not _belongs(row, call):
            raise NotFound
        if Status(row["status"]).final:
            raise RunNotCancellable(f"The run is {row['status']} already.")
        return await self._cancel(run_id)

    async def __call__(self, call: Call, tx: Transaction, prepared: Run) -> Reply:
        return Reply(run_json(prepared))

    async def _cancel(self, run_id: UUID) -> Run:
        """The run once it has ended. It may change hands meanwhile: be taken from the queue, or go back to it."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + _PATIENCE_S
        await self._house.database.execute(QUERIES["request_cancel"], run_id)
        while (left := give_up - loop.time()) > 0:
            row = await self._row(run_id)
            if row is None or Status(row["status"]).final:
                return _cancelled(row)
            await self._act(row, left)
        raise PlatformFault("The run did not end in time; its cancellation stays requested.")

    async def _act(self, row: Row, left_s: float) -> None:
        live = self._house.live.get(row["run_id"])
        if live is not None:
            live.cancel()
            await asyncio.wait({live.settled}, timeout=left_s)
        elif row["status"] == Status.pending and row["worker_id"] is None:
            await self._ending.end(live_run(row, self._house), Ended(cancelled=True), Status.pending)
            self._house.backlog.left(row["circle_id"])
        else:
            await asyncio.sleep(min(left_s, _LOOK_EVERY_S))

    async def _row(self, run_id: UUID) -> Row | None:
        return await self._house.database.fetchrow(QUERIES["run"], run_id)


def _cancelled(row: Row | None) -> Run:
    if row is None:
        raise NotFound
    run = run_from_row(row)
    if run.status is not Status.cancelled:
        raise RunNotCancellable(f"The run is {run.status} already.")
    return run


def _belongs(row: Row, call: Call) -> bool:
    of_circle: bool = row["circle_id"] == call.element.circle_id
    return of_circle and (call.element.is_circle or row["element_id"] == call.element.id)


def table(house: House) -> Mapping[str, Any]:
    return {"run_cancel": CancelRun(house)}
