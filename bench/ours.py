"""Triform end to end over HTTP: auth, validation, two durable commits, ledger, span, a fresh sandbox per run."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bench.figures import Figures
from bench.wire import Connection
from triform.storage.embedded import EmbeddedPostgres

HANDLER = (Path(__file__).parent / "handler.rb").read_text()
_BODY = {"a": 1, "b": 2}
_READY_S = 120.0


class Client:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self._token = ""

    async def call(self, path: str, body: Any) -> Any:
        async with self._session.post(self._url + path, json=body) as answer:
            told = await answer.json(content_type=None)
            if answer.status >= 300:
                raise RuntimeError(f"{path}: {answer.status} {told}")
            return told

    async def sign_in(self) -> None:
        told = await self.call("/api/auth/dev", {"circle_name": "bench"})
        self._token = told["token"]
        self._session.headers["Authorization"] = f"Bearer {self._token}"
        await self.call("/api/bench/ops/wallet/top_up", {"amount_micro_au": 10**12, "reference": "bench"})

    async def create(self, slug: str, code: str = HANDLER, **properties: Any) -> None:
        spec = {"source": {"type": "inline", "code": code}, **properties}
        await self.call("/api/bench/", {"element_type": "ruby", "slug": slug, "spec": spec})

    async def deploy(self, slug: str) -> tuple[float, float]:
        """Creates and deploys; answers the milliseconds of the deploy and of the first invoke after it."""
        await self.create(slug)
        return await self.timed_deploy(slug)

    async def timed_deploy(self, slug: str) -> tuple[float, float]:
        """As `deploy`, of what is there."""
        begun = time.perf_counter()
        await self.call(f"/api/bench/{slug}/ops/deploy", {})
        deployed = time.perf_counter()
        await self.call(f"/api/bench/{slug}/ops/invoke", _BODY)
        return (deployed - begun) * 1000, (time.perf_counter() - deployed) * 1000

    async def repeated(self, name: str, path: str, times: int) -> Figures:
        """A reading operation, one after the other."""
        durations, begun = [], time.perf_counter()
        for _ in range(times):
            before = time.perf_counter()
            async with self._session.get(self._url + path) as answer:
                await answer.read()
            durations.append(time.perf_counter() - before)
        return Figures(name, durations, time.perf_counter() - begun)

    async def accepted(self, slug: str = "sum") -> str:
        """Where an asynchronous run can be looked at."""
        url, headers = f"{self._url}/api/bench/{slug}/ops/invoke", {"Prefer": "respond-async"}
        async with self._session.post(url, json=_BODY, headers=headers) as answer:
            return answer.headers["location"]

    async def ended(self, location: str) -> None:
        async with self._session.get(self._url + location, params={"wait": "30"}) as answer:
            status = (await answer.json(content_type=None))["status"]
            if status != "completed":
                raise RuntimeError(f"an asynchronous run is {status}")

    async def connection(self, slug: str) -> Connection:
        return await Connection.open(self._url, f"/api/bench/{slug}/ops/invoke", self._token, _BODY)

    async def cancelled(self, location: str) -> None:
        async with self._session.post(f"{self._url}{location}/cancel", json={}) as answer:
            await answer.read()


@dataclass(frozen=True, slots=True)
class Instance:
    """A server with its pid, and the database it is on with its pid."""

    client: Client
    pid: int
    dsn: str
    postgres: int


async def asynchronous(client: Client, runs: int) -> Figures:
    """All accepted at once by eight clients, until the last has ended."""
    durations: list[float] = []

    async def work(count: int) -> None:
        began = time.perf_counter()
        for location in [await client.accepted() for _ in range(count)]:
            await client.ended(location)
            durations.append(time.perf_counter() - began)

    begun = time.perf_counter()
    await asyncio.gather(*(work(runs // 8) for _ in range(8)))
    return Figures("Triform, asynchronous, a burst at once", durations, time.perf_counter() - begun)


async def series(client: Client, name: str, clients: int, runs: int) -> Figures:
    """`runs` invokes by so many clients at once, after a warm-up of a tenth as many."""
    durations: list[float] = []

    async def work(count: int) -> None:
        connection = await client.connection("sum")
        for _ in range(count):
            before = time.perf_counter()
            told = await connection.again()
            durations.append(time.perf_counter() - before)
            if told != {"sum": 3}:
                raise RuntimeError(f"a wrong answer: {told}")
        await connection.close()

    await asyncio.gather(*(work(max(1, runs // 10 // clients)) for _ in range(clients)))
    durations.clear()
    begun = time.perf_counter()
    await asyncio.gather(*(work(runs // clients) for _ in range(clients)))
    return Figures(name, durations, time.perf_counter() - begun)


@asynccontextmanager
async def server(data_dir: Path, image_dir: Path) -> AsyncIterator[Instance]:
    """An instance of its own on a free port, with gems from `<data_dir>/gems`; stopped at the end."""
    (data_dir / "gems").mkdir(parents=True)
    postgres = EmbeddedPostgres(data_dir / "postgres")
    async with postgres as dsn, _answering(data_dir, image_dir, dsn) as (client, pid):
        yield Instance(client, pid, dsn, postgres.pid or 0)


@asynccontextmanager
async def _answering(data_dir: Path, image_dir: Path, dsn: str) -> AsyncIterator[tuple[Client, int]]:
    own = {"TRIFORM_IMAGE_DIR": str(image_dir), "TRIFORM_DATABASE_URL": dsn, "TRIFORM_LOG_LEVEL": "error"}
    environment = {**os.environ, **own, "TRIFORM_GEM_SOURCE": str(data_dir / "gems")}
    command = [sys.executable, "-m", "bench.instance", str(data_dir / "data")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
    try:
        url = await asyncio.wait_for(asyncio.to_thread(_told, process), _READY_S)
        async with aiohttp.ClientSession() as session:
            client = Client(session, url)
            await client.sign_in()
            yield client, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait)


def _told(process: subprocess.Popen[str]) -> str:
    if process.stdout is None:
        raise RuntimeError("no output")
    for line in process.stdout:
        if line.startswith("{"):
            return str(json.loads(line)["url"])
    raise RuntimeError("the server ended before it was ready")
