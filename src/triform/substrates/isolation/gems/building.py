"""From a lock to a bundle: the host fetches gem files, a sandbox without network installs them and sends back what
came out. Gem code ran there: it is unpacked with suspicion."""

import asyncio
import base64
import binascii
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from triform.substrates.isolation.calls import CallRefused
from triform.substrates.isolation.gems.errors import NotBuilt, SourceTrouble
from triform.substrates.isolation.gems.index import GemFile
from triform.substrates.isolation.gems.requirements import Requirement
from triform.substrates.isolation.gems.resolving import Lock
from triform.substrates.isolation.gems.source import GemSource
from triform.substrates.isolation.gems.store import BundleStore
from triform.substrates.isolation.gems.unpacking import MOST_BYTES
from triform.substrates.isolation.gems.workshop import Broken, Job, Workshop
from triform.substrates.isolation.interfaces import Limits
from triform.substrates.isolation.languages import Language
from triform.substrates.isolation.plan import Image
from triform.substrates.isolation.run import Listener

_LIMITS = Limits(memory_mb=3072, pids=256, open_files=2048, cpus=2.0, tmp_mb=2048)
_AT_ONCE = 4


class Fetcher:
    """Gem files, each fetched once and held against its checksum."""

    def __init__(self, source: GemSource, store: BundleStore) -> None:
        self._source = source
        self._store = store

    async def fetch(self, files: Sequence[GemFile], listener: Listener) -> None:
        """Raises SourceTrouble; all that begun has ended then."""
        missing = [file for file in files if not self._store.gem(file.sha256).exists()]
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(file: GemFile) -> None:
            async with turn:
                listener.progress(None, f"fetching {file.file}", None)
                await self._fetch(file)

        try:
            async with asyncio.TaskGroup() as group:
                for file in missing:
                    group.create_task(one(file))
        except ExceptionGroup as several:
            raise several.exceptions[0] from None

    async def _fetch(self, file: GemFile) -> None:
        with self._store.draft() as draft:
            path = draft / "gem"
            with path.open("wb") as into:
                await self._source.fetch(file.file, into)
            if not await asyncio.to_thread(self._store.keep_gem, path, file.sha256):
                raise SourceTrouble(
                    f"{file.file} from {self._source.shown} is not what its index promises: the checksum differs.",
                    "Whoever runs the mirror must find out why; another one may have the right file.",
                )


class Receiver:
    """`HostCalls` of a build: takes the pieces of its bundle."""

    def __init__(self, into: BinaryIO) -> None:
        self._into = into
        self._taken = 0

    async def answer(self, method: str, params: Any) -> Any:
        data = params.get("data") if method == "piece" and isinstance(params, dict) else None
        if not isinstance(data, str):
            raise CallRefused("UNKNOWN_METHOD", "only `piece` is taken")
        try:
            piece = base64.b64decode(data, validate=True)
        except binascii.Error:
            raise CallRefused("MALFORMED", "a piece is base64") from None
        self._taken += len(piece)
        if self._taken > MOST_BYTES:
            raise CallRefused("TOO_LARGE", f"a bundle holds at most {MOST_BYTES >> 20} MiB")
        self._into.write(piece)


class Builder:
    def __init__(self, store: BundleStore, workshop: Workshop) -> None:
        self._store = store
        self._workshop = workshop

    async def build(
        self,
        language: Language,
        image: Image,
        asked: tuple[Sequence[Requirement], Lock],
        draft: Path,
        listener: Listener,
    ) -> Path:
        """The archive of the installed bundle, in `draft`. Raises NotBuilt, DriverFault."""
        wanted, lock = asked
        code, archive = draft / "code", draft / "bundle.tar"
        program = language.gems.install if language.gems else ""
        await asyncio.to_thread(self._lay_out, code, language.folder / program, lock)
        event = {"requirements": [each.as_json() for each in wanted], "lock": lock.text}
        job = Job(
            language=language.name,
            image=image.root,
            code=code,
            program=program,
            event=event,
            limits=_LIMITS,
            timeout_ms=900_000,
        )
        with archive.open("wb") as into:
            await self._run(job, listener, into)
        return archive

    async def _run(self, job: Job, listener: Listener, into: BinaryIO) -> None:
        def receiver() -> Receiver:
            into.seek(0)
            into.truncate()
            return Receiver(into)

        try:
            answer = await self._workshop.run(job, listener, receiver)
        except Broken as broken:
            raise NotBuilt(str(broken), broken.cause.value) from broken
        failure = answer.get("failure")
        if failure is not None:
            raise NotBuilt(str(failure.get("text", "")) if isinstance(failure, dict) else "")

    def _lay_out(self, code: Path, program: Path, lock: Lock) -> None:
        """What the sandbox sees as /app: the program, and the gem files of the lock."""
        gems = code / "gems"
        gems.mkdir(parents=True)
        for folder in (code, gems):
            folder.chmod(0o755)
        (code / program.name).write_bytes(program.read_bytes())
        (code / program.name).chmod(0o644)
        for file in lock.files:
            os.link(self._store.gem(file.sha256), gems / file.file)
