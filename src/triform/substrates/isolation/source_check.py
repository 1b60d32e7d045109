"""Reads user code without executing any of it: the language's check program, in the same sandbox as a run."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from triform.chemistry.element_type import ElementType
from triform.clock import Clock
from triform.elements.code_source import code_source
from triform.elements.source_check import CodeFile, SourceVerdict
from triform.errors import Complaint, Failure, PlatformFault
from triform.substrates.isolation.backtrace import excerpt
from triform.substrates.isolation.code import CodeStore
from triform.substrates.isolation.gems import requirements
from triform.substrates.isolation.interfaces import Cause, DriverFault, Limits, LoadFailed, TemplateSpec
from triform.substrates.isolation.languages import Language
from triform.substrates.isolation.messages import Place, SyntaxProblem
from triform.substrates.isolation.outcome import Order, Outcome
from triform.substrates.isolation.plan import DEFAULT_HANDLER, PLATFORM_ENVIRONMENT, Images
from triform.substrates.isolation.pool import Pool
from triform.substrates.isolation.run import Run

_MEMORY_MB = 256
_TIMEOUT_MS = 10_000
_OUTPUT_LIMIT = 1 << 20
_REMEMBERED = 512


class Findings(msgspec.Struct, frozen=True):
    """What a check program answers. `handler_found` is True, too, when it may be defined dynamically."""

    errors: tuple[SyntaxProblem, ...] = ()
    warnings: tuple[str, ...] = ()
    handler_found: bool = True


@dataclass(frozen=True, slots=True)
class Code:
    """A file of code. `path` is its name in a repository; None for code that is in the spec itself."""

    type: ElementType
    language: Language
    text: str
    path: str | None = None

    @property
    def file(self) -> str:
        return self.path or self.language.file

    @property
    def pointer(self) -> str:
        """Where the spec says it."""
        return f"{self.type.limits['source']}/{'path' if self.path else 'code'}"


class _Nobody:
    """Listens to nothing and never cancels."""

    def write(self, stream: str, data: bytes) -> None:
        pass

    def progress(self, percent: float | None, message: str, data: Any) -> None:
        pass

    async def cancelled(self) -> None:
        await asyncio.Event().wait()


class SourceChecker:
    """`elements.SourceCheck` over the sandbox. Answers for equal code are remembered."""

    def __init__(
        self, languages: Mapping[str, Language], images: Images, code: CodeStore, pool: Pool, clock: Clock
    ) -> None:
        self._languages = languages
        self._images = images
        self._code = code
        self._pool = pool
        self._clock = clock
        self._known: OrderedDict[bytes, Findings] = OrderedDict()

    async def check(
        self, element_type: ElementType, spec: Mapping[str, Any], file: CodeFile | None = None
    ) -> SourceVerdict:
        """The verdict on a save. A type without a language passes, and code that is not there yet."""
        language, found = self._languages.get(element_type.language or ""), code_source(element_type, spec)
        if language is None or found is None:
            return SourceVerdict()
        asked = element_type.limits_of(spec)
        reading = requirements.read(asked.source.get("requirements") or (), element_type.limits["source"])
        if reading.complaints:
            return SourceVerdict(errors=reading.complaints, suggestion=reading.suggestion)
        if file is not None and file.text is None:
            return SourceVerdict(warnings=(_not_there(element_type, file),))
        text = file.text if file else found.code
        if not isinstance(text, str):
            return SourceVerdict()
        code = Code(element_type, language, text, file.path if file else None)
        findings = await self.look(code, asked.handler or DEFAULT_HANDLER)
        if findings.errors:
            return SourceVerdict(failure=syntax_failure(code, findings))
        return SourceVerdict(warnings=tuple(Complaint(code.pointer, text) for text in findings.warnings))

    async def look(self, code: Code, handler: str) -> Findings:
        """What there is to say about this source. Raises PlatformFault or RuntimeImageMissing."""
        if code.language.check is None:
            return Findings()
        told = f"{code.language.digest}\0{handler}\0{code.file}\0{code.text}"
        key = hashlib.sha256(told.encode(errors="surrogatepass")).digest()
        if key not in self._known:
            self._known[key] = await self._run(code.language, code.text, code.file, handler)
        self._known.move_to_end(key)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return self._known[key]

    async def prove(self, language: Language) -> None:
        """Runs the check program for real, once. Raises PlatformFault or RuntimeImageMissing."""
        if language.check is None:
            self._images.find(language)
        else:
            await self._run(language, "", language.file, DEFAULT_HANDLER)

    async def _run(self, language: Language, source: str, file: str, handler: str) -> Findings:
        event = msgspec.json.encode({"source": source, "file": file, "handler": handler})
        order = Order(run_id="check", event=event, timeout_ms=_TIMEOUT_MS, output_limit=_OUTPUT_LIMIT)
        try:
            async with self._pool.lease(self._template(language)) as lease:
                outcome = await Run(lease.instance, order, _Nobody(), self._clock).drive()
        except (LoadFailed, DriverFault) as error:
            raise PlatformFault(detail=f"checking source: {error}") from error
        return _findings(outcome, language)

    def _template(self, language: Language) -> TemplateSpec:
        program = language.check or ""
        return TemplateSpec(
            language=language.name,
            image=self._images.find(language).root,
            code=self._code.put({program: (language.folder / program).read_bytes()}),
            entry=program,
            handler=DEFAULT_HANDLER,
            limits=Limits(memory_mb=_MEMORY_MB),
            load_timeout_ms=_TIMEOUT_MS,
            environment=PLATFORM_ENVIRONMENT,
            owner="platform",
        )


def syntax_failure(code: Code, findings: Findings) -> Failure:
    """The type's own error for code that does not parse: every problem with its line, the first in its source."""
    texts = [f"{code.file} line {problem.line}: {problem.message}" for problem in findings.errors]
    around = excerpt(code.text, Place(file=code.file, line=findings.errors[0].line))
    declared = code.type.error_for("syntax_error").failure(texts[0], **({"source": around} if around else {}))
    return replace(declared, errors=tuple(Complaint(code.pointer, text) for text in texts))


def _not_there(element_type: ElementType, file: CodeFile) -> Complaint:
    message = f"there is no {file.path} in the repository yet; nothing can run before it is pushed to draft"
    return Complaint(f"{element_type.limits['source']}/path", message)


def _findings(outcome: Outcome, language: Language) -> Findings:
    """A source that the checker itself chokes on (too deep, too large) is refused as one problem."""
    if outcome.cause is Cause.ok and outcome.output is not None:
        return msgspec.json.decode(outcome.output, type=Findings)
    if outcome.cause in (Cause.infra_before, Cause.infra_after, Cause.protocol):
        raise PlatformFault(detail=f"checking source: {outcome.cause}: {outcome.detail}")
    return Findings(errors=(SyntaxProblem(1, 0, f"the source cannot be checked: {outcome.cause.value}"),))
