"""From requirements to a lock: Bundler decides in a sandbox, and asks the host for lines of the index.

sandbox, no network                        host
resolve.rb ── call info {name, at} ──►     gem source: info/<name>
           ◄── {text, more} ─────────
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from triform.substrates.isolation.calls import CallRefused
from triform.substrates.isolation.code import CodeStore
from triform.substrates.isolation.gems.errors import Alternative, SourceTrouble, Unresolved
from triform.substrates.isolation.gems.index import NAME, GemFile, checksums
from triform.substrates.isolation.gems.requirements import Requirement
from triform.substrates.isolation.gems.source import GemSource
from triform.substrates.isolation.gems.workshop import Broken, Job, Workshop
from triform.substrates.isolation.interfaces import DriverFault, Limits
from triform.substrates.isolation.languages import Language
from triform.substrates.isolation.plan import Image

_LIMITS = Limits(memory_mb=1024, open_files=512)
_TIMEOUT_MS = 300_000
_MOST_GEMS = 5000
_PIECE = 200_000
"""Characters of an answer: a frame holds a mebibyte of JSON."""


@dataclass(frozen=True, slots=True)
class Lock:
    """What was decided: Bundler's lock, and the files it takes."""

    text: str
    files: tuple[GemFile, ...]


class _Failure(msgspec.Struct, frozen=True):
    status: int
    text: str
    alternatives: tuple[Alternative, ...] = ()


class _Chosen(msgspec.Struct, frozen=True):
    name: str
    version: str
    platform: str


class _Answer(msgspec.Struct, frozen=True):
    lock: str = ""
    gems: tuple[_Chosen, ...] = ()
    failure: _Failure | None = None


@dataclass(slots=True)
class Index:
    """`HostCalls` for one resolution: the index, as far as it is asked for. Remembers why the source failed."""

    source: GemSource
    trouble: SourceTrouble | None = None
    _read: dict[str, str] = field(default_factory=dict)

    async def answer(self, method: str, params: Any) -> Any:
        name, at = params.get("name"), params.get("at", 0)
        if method != "info" or not isinstance(name, str) or not NAME.fullmatch(name) or not isinstance(at, int):
            raise CallRefused("UNKNOWN_METHOD", "only `info` of a gem is answered")
        text = await self._info(name)
        return {"text": text[at : at + _PIECE], "more": at + _PIECE < len(text)}

    def file(self, chosen: _Chosen) -> GemFile:
        """Raises SourceTrouble for what the index does not list with a checksum."""
        known = checksums(self._read.get(chosen.name, ""))
        wanted = GemFile(chosen.name, chosen.version, chosen.platform, "")
        if wanted.number not in known:
            raise SourceTrouble(
                f"The gem source {self.source.shown} has no checksum of {wanted.file}.",
                "Use a gem source that serves the compact index with checksums.",
            )
        return GemFile(chosen.name, chosen.version, chosen.platform, known[wanted.number])

    async def _info(self, name: str) -> str:
        if name not in self._read:
            if self.trouble or len(self._read) >= _MOST_GEMS:
                raise CallRefused("SOURCE", "the gem source cannot be asked any more")
            try:
                self._read[name] = await self.source.info(name)
            except SourceTrouble as trouble:
                self.trouble = trouble
                raise CallRefused("SOURCE", str(trouble)) from trouble
        return self._read[name]


class Silence:
    """A listener to programs that have nothing to say to people."""

    def write(self, stream: str, data: bytes) -> None: ...

    def progress(self, percent: float | None, message: str, data: Any) -> None: ...

    async def cancelled(self) -> None:
        await asyncio.Event().wait()


class Resolver:
    def __init__(self, source: GemSource, workshop: Workshop, code: CodeStore) -> None:
        self._source = source
        self._workshop = workshop
        self._code = code

    async def resolve(self, language: Language, image: Image, wanted: Sequence[Requirement]) -> Lock:
        """Raises Unresolved, SourceTrouble, DriverFault."""
        index = Index(self._source)
        answer = await self._ask(index, self._job(language, image, wanted))
        if index.trouble:
            raise index.trouble
        if answer.failure:
            failed = answer.failure
            raise Unresolved(failed.status, failed.text, failed.alternatives)
        return Lock(answer.lock, tuple(sorted(map(index.file, answer.gems), key=lambda each: each.file)))

    async def _ask(self, index: Index, job: Job) -> _Answer:
        try:
            told: Mapping[str, Any] = await self._workshop.run(job, Silence(), lambda: index)
            return msgspec.convert(told, _Answer)
        except Broken as broken:
            if index.trouble:
                raise index.trouble from broken
            raise SourceTrouble(
                f"The requirements cannot be resolved with what {self._source.shown} says ({broken.cause}).",
                "Require other gems. If it stays, whoever runs this server must look after the gem source.",
            ) from broken
        except msgspec.ValidationError as error:
            raise DriverFault(f"resolving: {error}") from error

    def _job(self, language: Language, image: Image, wanted: Sequence[Requirement]) -> Job:
        program = language.gems.resolve if language.gems else ""
        return Job(
            language=language.name,
            image=image.root,
            code=self._code.put({program: (language.folder / program).read_bytes()}),
            program=program,
            event=[each.as_json() for each in wanted],
            limits=_LIMITS,
            timeout_ms=_TIMEOUT_MS,
        )
