"""Waiting for a run to end, wherever it is carried out."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from triform.errors import NotFound
from triform.executor.commits import QUERIES
from triform.executor.house import House
from triform.reply import Reply
from triform.runs.call import Call
from triform.runs.model import Run, Status
from triform.runs.rows import run_from_row
from triform.storage.database import Transaction

_LOOK_EVERY_S = 1.0


class Waiting:
    """Runs of this process are waited for by their own signal; others are looked at every second."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def ended(self, circle_id: UUID, run_id: UUID, timeout_s: float) -> Run:
        """The run once it has ended, or as it is after `timeout_s`. Raises NotFound."""
        await self.until_ended(circle_id, run_id, timeout_s)
        row = await self._house.database.fetchrow(QUERIES["run"], run_id)
        if row is None:
            raise NotFound
        return run_from_row(row)

    async def until_ended(self, circle_id: UUID, run_id: UUID, timeout_s: float) -> None:
        """As `ended`, for whoever reads the run afterwards; a foreign run is as absent as none."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + timeout_s
        while (left := give_up - loop.time()) > 0:
            signal = self._house.live.ending(run_id)
            status = await self._house.database.fetchval(QUERIES["status"], run_id, circle_id)
            if status is None or Status(status).final:
                return
            await asyncio.wait({signal}, timeout=min(left, _LOOK_EVERY_S))


class WaitingRunGet:
    """`run_get` with `wait`: the wait happens before the transaction opens."""

    def __init__(self, waiting: Waiting, read: Any) -> None:
        self._waiting = waiting
        self._read = read

    async def prepare(self, call: Call) -> None:
        wait = call.argument("wait") or 0
        if wait:
            await self._waiting.until_ended(call.element.circle_id, UUID(call.argument("run_id")), float(wait))

    async def __call__(self, call: Call, tx: Transaction, prepared: None) -> Reply:
        reply: Reply = await self._read(call, tx)
        return reply


def waiting_table(waiting: Waiting, table: Mapping[str, Any]) -> Mapping[str, Any]:
    """The reading operations of one run, able to wait."""
    return {name: WaitingRunGet(waiting, table[name]) for name in ("run_get", "circle_run_get")}
