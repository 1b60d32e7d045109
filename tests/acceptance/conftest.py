"""The product as a caller meets it: a real server, real Postgres, real Ruby, and nothing but HTTP.

Tests of one process share a server and use a circle each; those that kill or configure one start their own.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from tests.acceptance import server as processes
from tests.acceptance.client import Circle, Element
from tests.acceptance.clones import Clone, clone
from tests.acceptance.server import Server
from tests.copies import DataDirs, copy_of
from tests.remotes import GitServer
from triform.testing.gems import GemServer

Circles = Callable[..., Awaitable[Circle]]
StartServer = Callable[..., Server]
_TIMEOUT_S = 90.0


TIGHT = {
    "worker_slots": 4,
    "queue_limit": 2,
    "queue_wait_ms": 700,
    "backlog_limit": 3,
    "wallet_grant_micro_au": 25_000,
    "load_timeout_ms": 1000,
    "body_limit_bytes": 50_000,
    "output_limit_bytes": 20_000,
    "log_limit_bytes": 10_000,
}
"""A grant of two and a half runs."""


@pytest.fixture(scope="session")
def gem_source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GemServer]:
    """Where the shared server takes gems from; empty until a test needs some."""
    with GemServer(tmp_path_factory.mktemp("shared-gems")) as source:
        yield source


@pytest.fixture(scope="session")
def server(new_data_dir: DataDirs, gem_source: GemServer) -> Iterator[Server]:
    """The server this process's tests share."""
    yield from serving(new_data_dir("shared-server"), gem_source=gem_source.url)


@pytest.fixture(scope="session")
def tight_server(new_data_dir: DataDirs) -> Iterator[Server]:
    """Another one, with little room and little money; see TIGHT. A test leaves nothing running there."""
    yield from serving(new_data_dir("tight-server"), **TIGHT)


def serving(data_dir: Path, **settings: object) -> Iterator[Server]:
    running = processes.start(data_dir, **settings)
    try:
        yield running
    finally:
        running.stop()
    assert "unforeseen_error" not in running.log(), f"faults of the platform; see {data_dir}"


@pytest.fixture
def start_server(tmp_path: Path, new_database: Path) -> Iterator[StartServer]:
    """`start_server(queue_limit=1)`: a server of this test alone, on the test's data folder.

    Its database is a copy of a new one. Starting another server, after the first was stopped or killed,
    continues with the same data.
    """
    data_dir = tmp_path / "data"
    started: list[Server] = []

    def start(**settings: object) -> Server:
        if not (data_dir / "postgres").exists() and "database_url" not in settings:
            copy_of(new_database, data_dir / "postgres")
        started.append(processes.start(data_dir, **settings))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
async def http(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody without any credential, at the shared server."""
    async with client_of(server) as client:
        yield client


@pytest.fixture
def new_circle(http: httpx2.AsyncClient) -> Circles:
    """`await new_circle()`: one more circle at the shared server; `name=` and `http=` when they matter."""

    async def make(name: str | None = None, http: httpx2.AsyncClient = http) -> Circle:
        return await sign_in(http, name)

    return make


@pytest.fixture
async def circle(new_circle: Circles) -> Circle:
    """A circle of this test alone, signed in as its admin."""
    return await new_circle()


@pytest.fixture
async def element(circle: Circle) -> Element:
    """A Ruby element of this test alone."""
    return await circle.ruby()


@pytest.fixture
async def copy(element: Element, tmp_path: Path) -> Clone:
    """A clone of it, as somebody with git has it."""
    return await clone(element, tmp_path)


@pytest.fixture
async def tight_circle(tight_server: Server) -> AsyncIterator[Circle]:
    """A circle at the server with little room; what it leaves running is cancelled."""
    async with client_of(tight_server) as client:
        circle = await sign_in(client)
        try:
            yield circle
        finally:
            await circle.free_all()


@pytest.fixture(scope="session")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    """A git server elsewhere; each test has a repository of its own there."""
    with GitServer(tmp_path_factory.mktemp("remotes")) as running:
        yield running


@pytest.fixture(scope="session")
def fetching_server(remote: GitServer, new_data_dir: DataDirs) -> Iterator[Server]:
    """One that may fetch from `remote`, and from nowhere else around it."""
    folder = new_data_dir("fetching-server")
    yield from serving(folder, git_hosts=f'["{remote.place}"]', push_limit_bytes=1 << 20)


@pytest.fixture
async def fetching_circle(fetching_server: Server) -> AsyncIterator[Circle]:
    async with client_of(fetching_server) as client:
        yield await sign_in(client)


@pytest.fixture
def sign_in_again() -> Callable[[Circle], Awaitable[Circle]]:
    """`await sign_in_again(circle)`: another circle at the same server."""
    return lambda circle: sign_in(circle.http)


def client_of(server: Server) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=200, max_keepalive_connections=200)
    # Nothing here is encrypted; without `verify=False` each client would read the machine's certificates.
    return httpx2.AsyncClient(
        base_url=server.url, timeout=_TIMEOUT_S, limits=limits, trust_env=False, verify=False
    )


async def sign_in(http: httpx2.AsyncClient, name: str | None = None) -> Circle:
    """Signs in the dev way; the client keeps no cookie of it."""
    name = name or f"c-{uuid4().hex[:20]}"
    answer = await http.post("/api/auth/dev", json={"circle_name": name})
    assert answer.status_code == 200, answer.text
    http.cookies.clear()
    return Circle(http, name, answer.json()["token"], answer.json()["refresh_token"])
