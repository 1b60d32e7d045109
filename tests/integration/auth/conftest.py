"""The sign-in door over HTTP, with one protected address behind it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.shipped import CATALOGUE
from triform.api.app import Errors
from triform.api.auth import AuthDoor
from triform.api.credentials import RequestCredentials
from triform.api.guards import HostGuard
from triform.api.problems import Problems
from triform.chemistry.catalogue import Catalogue
from triform.errors import NotFound
from triform.ids import Ids
from triform.storage.database import Database
from triform.testing.circles import Access, small_access
from triform.testing.clock import FakeClock

Browse = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return CATALOGUE


@pytest.fixture
def access(database: Database, tmp_path: Path, clock: FakeClock, ids: Ids) -> Access:
    """A room in dev mode."""
    return small_access(database, tmp_path, clock, ids)


@pytest.fixture
def guarded(database: Database, tmp_path: Path, clock: FakeClock, ids: Ids) -> Access:
    """A room that asks for passwords."""
    return small_access(database, tmp_path, clock, ids, dev_mode=False)


@pytest.fixture
def browse(catalogue: Catalogue) -> Browse:
    """A client of a room; it keeps cookies as a browser does."""

    @asynccontextmanager
    async def browse(access: Access, address: str = "192.0.2.1") -> AsyncIterator[httpx2.AsyncClient]:
        transport = httpx2.ASGITransport(app=_application(access, catalogue), client=(address, 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client

    return browse


@pytest.fixture
async def client(browse: Browse, access: Access) -> AsyncIterator[httpx2.AsyncClient]:
    async with browse(access) as client:
        yield client


def _application(access: Access, catalogue: Catalogue) -> Starlette:
    door = AuthDoor(
        access.sign_in,
        access.sessions,
        access.credentials,
        claim=access.claim,
        first_admin=access.first_admin,
        dev_mode=access.claim is None,
        secure_cookie=access.claim is not None,
    )
    credentials = RequestCredentials(access.credentials)

    async def whoami(request: Request) -> Response:
        principal = await credentials.principal(request)
        if request.path_params["circle"] != principal.circle.name:
            raise NotFound
        return JSONResponse({"actor": principal.actor.id, "role": principal.role.value})

    return Starlette(
        routes=[*door.routes(), Route("/api/{circle}/whoami", whoami, methods=["GET", "POST"])],
        middleware=[
            Middleware(Errors, problems=Problems(catalogue)),
            Middleware(HostGuard, names={"localhost", "tri.example"}),
        ],
    )
