"""The one place that starts `git`: confined, bounded in time and output, a few at a time, without a shell."""

import asyncio
import contextlib
import shutil
import tempfile
import weakref
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import structlog

from triform.elements.errors import SourceUnavailable
from triform.errors import Suggestion
from triform.source.confinement import CONFIGURATION, Obstacle, Plan, Room, hand_over, obstacle

_log = structlog.get_logger()

AT_ONCE = 4
_WAITING = 64
_PATIENCE_S = 30.0
_CHUNK = 64 << 10
_ERRORS_KEPT = 8 << 10
_IN_MEMORY = 1 << 20


class GitFailed(Exception):
    """git could not do what was asked; `said` is the end of what it told, in its own words."""

    def __init__(self, why: str, said: str = "") -> None:
        super().__init__(f"{why}: {said}" if said else why)
        self.said = said


class WroteTooMuch(GitFailed):
    """It was ended while it wrote."""


class Scratch:
    """Scratch space that is removed together with this object, whatever became of those who held it."""

    def __init__(self, place: Path) -> None:
        self._place = place
        weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)

    def folder(self) -> Path:
        """A new folder in it."""
        return Path(tempfile.mkdtemp(dir=self._place))


@dataclass(frozen=True, slots=True)
class Done:
    """How a process ended, and what it wrote; `output` is a file at its beginning, closed by whoever got it."""

    status: int
    output: IO[bytes]
    said: str

    def read(self) -> bytes:
        """All of the output, once."""
        with self.output:
            return self.output.read()


class Git:
    """`folder` is for scratch space; nobody else uses it, and what an earlier process left there is removed."""

    def __init__(self, folder: Path, *, seconds: float = 120.0) -> None:
        self._folder = folder
        self._seconds = seconds
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._obstacle: Obstacle | None = None
        self._looked = False

    def clear(self) -> None:
        """Removes what an earlier process left."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700, parents=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for one piece of work."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def kept(self) -> Scratch:
        """Scratch space for work that ends elsewhere."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Scratch(Path(tempfile.mkdtemp(dir=self._folder)))

    async def run(
        self,
        *arguments: str,
        room: Room,
        stdin: Path | bytes = b"",
        most: int = 16 << 20,
        environment: Mapping[str, str] | None = None,
    ) -> Done:
        """Raises GitFailed when it takes too long or writes more than `most` bytes; SourceUnavailable when git
        cannot be run, or too many wait already."""
        await self._ensure_possible()
        if room.scratch is not None:
            await asyncio.to_thread(hand_over, room.scratch)
        plan = Plan(arguments, room, environment=environment or {})
        async with self._place():
            with _fed(stdin) as source, CONFIGURATION.open("rb") as configuration:
                return await self._carried_out(plan, source, configuration.fileno(), most)

    async def output(self, *arguments: str, room: Room, stdin: Path | bytes = b"", most: int = 16 << 20) -> bytes:
        """What it wrote. Raises GitFailed also when it failed, SourceUnavailable as `run`."""
        done = await self.run(*arguments, room=room, stdin=stdin, most=most)
        written = done.read()
        if done.status != 0:
            raise GitFailed(f"git {arguments[0]} failed", done.said)
        return written

    async def _ensure_possible(self) -> None:
        if not self._looked:
            self._obstacle, self._looked = await asyncio.to_thread(obstacle), True
        if self._obstacle is not None:
            raise SourceUnavailable(
                "git cannot be run on this server.",
                detail=self._obstacle.what,
                suggestion=Suggestion(
                    why=f"git {self._obstacle.what}.", fix=f"On the server: {self._obstacle.fix}."
                ),
            )

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._waiting >= _WAITING:
            raise _busy()
        self._waiting += 1
        try:
            await asyncio.wait_for(self._places.acquire(), _PATIENCE_S)
        except TimeoutError:
            raise _busy() from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()

    async def _carried_out(self, plan: Plan, source: IO[bytes], configuration: int, most: int) -> Done:
        process = await asyncio.create_subprocess_exec(
            *plan.command(configuration), pass_fds=(configuration,), stdin=source,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd="/", env={},
        )  # fmt: skip
        assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - pipes were asked for
        errors = asyncio.create_task(_last(process.stderr))
        with contextlib.ExitStack() as kept:
            written = kept.enter_context(cast("IO[bytes]", tempfile.SpooledTemporaryFile(_IN_MEMORY)))  # noqa: SIM115
            try:
                async with asyncio.timeout(self._seconds):
                    await _copied(process.stdout, written, most)
                    status = await process.wait()
            except TimeoutError:
                raise GitFailed(f"git took longer than {self._seconds:.0f} s") from None
            finally:
                await _ended(process)
                said = await errors
            written.seek(0)
            kept.pop_all()
        return Done(status, written, said)


@contextmanager
def _fed(stdin: Path | bytes) -> Iterator[IO[bytes]]:
    """Input as a file, so that nobody has to feed it while git works."""
    if isinstance(stdin, Path):
        with stdin.open("rb") as file:
            yield file
    else:
        with tempfile.TemporaryFile() as file:
            file.write(stdin)
            file.seek(0)
            yield file


async def _copied(stream: asyncio.StreamReader, target: IO[bytes], most: int) -> None:
    size = 0
    while chunk := await stream.read(_CHUNK):
        size += len(chunk)
        if size > most:
            raise WroteTooMuch(f"git wrote more than {most} bytes")
        target.write(chunk)


async def _last(stream: asyncio.StreamReader) -> str:
    kept = b""
    while chunk := await stream.read(_CHUNK):
        kept = (kept + chunk)[-_ERRORS_KEPT:]
    return kept.decode(errors="replace").strip()


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Whatever happened: no process is left. Its end is only heard once what it wrote has been read."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    while process.stdout is not None and await process.stdout.read(_CHUNK):
        continue
    await process.wait()


def _busy() -> SourceUnavailable:
    return SourceUnavailable(
        "Too many git operations are going on.",
        suggestion=Suggestion(why="Only a few git processes run at a time.", fix="Try again in a moment."),
    )
