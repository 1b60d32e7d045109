"""An instance as a process of its own, started again whenever it is gone."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from chaos.surroundings import Disk, WallClock

_READY_S = 60.0


class Instance:
    """One data directory on a disk of its own, one port chosen at the first start and kept."""

    def __init__(self, folder: Path, image_dir: Path, port: int) -> None:
        self.disk = Disk(folder / "disk")
        self.clock = WallClock(folder / "clock")
        self._log = folder / "server.log"
        self._environment = {
            **os.environ,
            "TRIFORM_IMAGE_DIR": str(image_dir),
            "TRIFORM_LOG_LEVEL": "error",
            "TRIFORM_LEASE_S": "3",
            "TRIFORM_DRAIN_S": "5",
        }
        self._port = port
        self.url = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[str] | None = None
        self.starts = 0

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("it was never started")
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Returns once it answers requests. Raises RuntimeError with what it said when it does not."""
        self._process = self._spawn()
        self.starts += 1
        await asyncio.wait_for(asyncio.to_thread(self._told), _READY_S)

    def _spawn(self) -> subprocess.Popen[str]:
        data_dir, clock = str(self.disk.folder / "data"), str(self.clock.file)
        command = [sys.executable, "-m", "chaos.serve", data_dir, str(self._port), clock]
        with self._log.open("a") as log:
            return subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE, stderr=log, text=True)

    async def stop(self) -> int:
        """SIGTERM, and how it ended."""
        self.signal(signal.SIGTERM)
        return await self.gone()

    async def gone(self) -> int:
        if self._process is None:
            return 0
        code = await asyncio.to_thread(self._process.wait)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code

    def signal(self, number: signal.Signals) -> None:
        if self.alive:
            os.kill(self.pid, number)

    def _told(self) -> None:
        if self._process is None or self._process.stdout is None:
            raise RuntimeError("it was never started")
        for line in self._process.stdout:
            if line.startswith("{") and json.loads(line).get("url"):
                return
        raise RuntimeError(f"the instance ended before it was ready; see {self._log}")
