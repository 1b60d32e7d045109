"""This process as a worker: it says that it lives, and recovery believes it for one lease."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import structlog

from triform.executor.commits import QUERIES
from triform.executor.house import House
from triform.ids import Ids

_log = structlog.get_logger()


def node_id(data_dir: Path, ids: Ids) -> UUID:
    """The node's own id, made once; a restarted node knows its former runs by it."""
    file = data_dir / "node_id"
    try:
        return UUID(file.read_text().strip())
    except (FileNotFoundError, ValueError):
        made = ids.new()
        file.write_text(f"{made}\n")
        return made


class Lease:
    def __init__(self, house: House, node: UUID) -> None:
        self._house = house
        self._node = node

    async def join(self) -> None:
        now = self._house.clock.now()
        await self._house.database.execute(
            QUERIES["join"], self._house.worker_id, self._node, now, now + self._length()
        )

    async def renew(self) -> None:
        """To be called at a third of the lease."""
        until = self._house.clock.now() + self._length()
        if not await self._house.database.execute(QUERIES["renew"], self._house.worker_id, until):
            _log.warning("lease_lost", worker_id=str(self._house.worker_id))
            await self.join()

    async def leave(self) -> None:
        await self._house.database.execute(QUERIES["leave"], self._house.worker_id)

    def _length(self) -> timedelta:
        return timedelta(seconds=self._house.bounds.lease_s)
