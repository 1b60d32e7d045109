"""The embedded Postgres as the rest of the house sees it: start it, get a DSN, stop it; it stays up meanwhile."""

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

import asyncpg
import structlog

from triform.storage.embedded.binaries import find_binaries
from triform.storage.embedded.home import Home
from triform.storage.embedded.initialise import failed, initialise
from triform.storage.embedded.launch import Launch, choose_launch
from triform.storage.embedded.leftovers import end_leftovers
from triform.storage.embedded.lock import HomeLock
from triform.storage.embedded.postmaster import Postmaster, server_command
from triform.storage.embedded.socket_folder import OWNER, owner_dsn, socket_folder
from triform.storage.errors import EmbeddedPostgresFailed

log = structlog.get_logger()

_START_LIMIT_S = 300.0  # A crash recovery that makes progress may take minutes.
_SHARED_MEMORY_PATIENCE_S = 5.0
_POLL_S = 0.02
_LONGEST_PAUSE_S = 5.0
_NOT_YET = (
    OSError,
    asyncpg.CannotConnectNowError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.TooManyConnectionsError,
)


class EmbeddedPostgres:
    """`async with EmbeddedPostgres(folder) as dsn:` — a server in `folder`, reachable over a private socket.

    It is started again whenever it dies (`restarted` is called with the new pid), ends when our process or
    the thread that started it ends, and is the only one in its folder. Raises `EmbeddedPostgresFailed` or
    `DataDirInUse` on start. `settings` are Postgres settings that win over our own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settings: Mapping[str, str] | None = None,
        restarted: Callable[[int], None] = lambda pid: None,
    ) -> None:
        self._home = Home(folder.absolute())
        self._settings = dict(settings or {})
        self._restarted = restarted
        self._lock = HomeLock(self._home.lock)
        self._postmaster: Postmaster | None = None
        self._supervision: asyncio.Task[None] | None = None
        self._sockets: Path | None = None
        self._dsn: str | None = None

    @property
    def dsn(self) -> str:
        """Connection URL of the database `triform` for the owner role; only while started."""
        if self._dsn is None:
            raise EmbeddedPostgresFailed("The embedded Postgres has not been started.")
        return self._dsn

    @property
    def pid(self) -> int | None:
        """The server's process id; None while there is none."""
        return self._postmaster.pid if self._postmaster else None

    async def __aenter__(self) -> str:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> str:
        """Returns the DSN once a connection has succeeded. A data directory is made on first use."""
        self._home.create()
        self._lock.take()
        try:
            self._command = await asyncio.to_thread(self._prepare)
            await self._launch()
        except (OSError, asyncpg.PostgresError) as error:
            await self.stop()
            raise failed("The embedded Postgres could not be started.", str(error)) from error
        except BaseException:
            await self.stop()
            raise
        self._supervision = asyncio.create_task(self._supervise(), name="embedded-postgres")
        return self.dsn

    def _prepare(self) -> list[str]:
        leftovers = end_leftovers(self._home)
        if leftovers:
            log.warning("postgres_leftovers_ended", pids=leftovers)
        launch: Launch = choose_launch(find_binaries(), self._home.root)
        initialise(self._home, launch)
        self._sockets = socket_folder(self._home.root, launch.owner)
        self._dsn = owner_dsn(self._sockets, self._home.password(), OWNER)
        return server_command(self._home, launch, self._sockets, self._settings)

    async def _launch(self) -> None:
        """A server that has been killed may leave its shared memory in use for a moment: then, once more."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + _SHARED_MEMORY_PATIENCE_S
        while not await self._answers(Postmaster(self._command, self._home)):
            said = self._postmaster.said() if self._postmaster else ""
            self._forget()
            if "shared memory block" not in said or loop.time() > give_up:
                raise failed("The embedded Postgres did not start.", said)
            await asyncio.to_thread(end_leftovers, self._home)
            await asyncio.sleep(0.1)

    async def _answers(self, postmaster: Postmaster) -> bool:
        """Alive means that a connection succeeds. False when the process ends first."""
        self._postmaster = postmaster
        loop = asyncio.get_running_loop()
        give_up = loop.time() + _START_LIMIT_S
        while postmaster.exit_code() is None:
            with contextlib.suppress(*_NOT_YET):
                await self._greet()
                return True
            if loop.time() > give_up:
                raise failed("The embedded Postgres did not accept a connection in time.", postmaster.said())
            await asyncio.sleep(_POLL_S)
        return False

    async def _greet(self) -> None:
        database = owner_dsn(self._sockets or Path(), self._home.password(), "postgres")
        connection = await asyncpg.connect(database, timeout=10)
        try:
            if not await connection.fetchval("select 1 from pg_database where datname = $1", OWNER):
                await connection.execute(f"create database {OWNER}")
            # Otherwise every tenant's role could connect anywhere; a tenant's migration grants what it needs.
            await connection.execute(f"revoke all on database {OWNER}, postgres, template1 from public")
        finally:
            await connection.close(timeout=5)

    async def _supervise(self) -> None:
        while self._postmaster:
            code = await self._postmaster.ended()
            log.error("postgres_ended", exit_code=code, said=self._postmaster.said())
            self._forget()
            await self._relaunch()

    async def _relaunch(self) -> None:
        pause = 0.1
        while self._postmaster is None:
            try:
                await asyncio.to_thread(end_leftovers, self._home)
                await self._launch()
            except (EmbeddedPostgresFailed, OSError, asyncpg.PostgresError) as error:
                log.error("postgres_restart_failed", error=str(error), detail=getattr(error, "detail", ""))  # noqa: TRY400
                await self._discard()
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
        log.warning("postgres_restarted", pid=self._postmaster.pid)
        try:
            self._restarted(self._postmaster.pid)
        except Exception:
            log.exception("postgres_restart_callback_failed")

    async def _discard(self) -> None:
        if self._postmaster:
            await self._postmaster.stop()
        self._postmaster = None

    def _forget(self) -> None:
        if self._postmaster:
            self._postmaster.close()
        self._postmaster = None

    async def stop(self) -> None:
        """Fast shutdown; does nothing when it is not running."""
        if self._supervision:
            self._supervision.cancel()
            await asyncio.wait({self._supervision})
            self._supervision = None
        await self._discard()
        if self._sockets:
            shutil.rmtree(self._sockets, ignore_errors=True)
        self._sockets = self._dsn = None
        self._lock.release()
