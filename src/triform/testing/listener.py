"""A run's context that remembers everything it was told."""

import asyncio
from typing import Any
from uuid import UUID


class RecordingListener:
    """`RunContext` and `Listener` for tests; `cancel` asks for cancellation."""

    def __init__(self, run_id: UUID | None = None) -> None:
        self.run_id = run_id or UUID(int=1)
        self.attempt = 1
        self.written: list[tuple[str, bytes]] = []
        self.progressed: list[tuple[float | None, str, Any]] = []
        self._cancel = asyncio.Event()

    def write(self, stream: str, data: bytes) -> None:
        self.written.append((stream, data))

    def progress(self, percent: float | None, message: str, data: Any) -> None:
        self.progressed.append((percent, message, data))

    async def cancelled(self) -> None:
        await self._cancel.wait()

    def cancel(self) -> None:
        self._cancel.set()

    @property
    def stdout(self) -> bytes:
        return self._joined("stdout")

    @property
    def stderr(self) -> bytes:
        return self._joined("stderr")

    def _joined(self, name: str) -> bytes:
        return b"".join(data for stream, data in self.written if stream == name)
