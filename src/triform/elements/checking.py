"""What must hold before an element is saved: bounds, the rules of its type, code that parses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from triform.chemistry.element_type import ElementType
from triform.elements import bounds
from triform.elements.code_source import FILE, code_source
from triform.elements.errors import InvalidSpec
from triform.elements.request import refuse
from triform.elements.source import Files, Source
from triform.elements.source_check import CodeFile, SourceCheck
from triform.elements.specs import code_of
from triform.errors import Complaint, Failure, FailureError

MOST_CODE = 5 << 20
"""Bytes of a file of code that is read."""


@dataclass(frozen=True, slots=True)
class CheckedSpec:
    """A spec with defaults filled in that may be saved, and what its author should know.

    `of_rules` comes from the rules of the type, `of_code` from reading the code.
    """

    spec: Mapping[str, Any]
    of_rules: tuple[Complaint, ...] = ()
    of_code: tuple[Complaint, ...] = ()

    @property
    def warnings(self) -> tuple[Complaint, ...]:
        return self.of_rules + self.of_code


class SpecCheck:
    def __init__(self, source_check: SourceCheck, source: Source) -> None:
        self._source_check = source_check
        self._source = source

    async def check(
        self, element_type: ElementType, spec: Any, *known: CheckedSpec, files: Files | None = None
    ) -> CheckedSpec:
        """Code in the spec that is the same as in a `known` one is not read again; in a file it is, in `files`.

        Raises InvalidInput (too big), InvalidSpec, or the type's own error for code that cannot be taken.
        """
        raise_any(bounds.check_spec(spec))
        checked = rules(element_type, spec)
        found = code_source(element_type, checked.spec)
        if found is not None and found.kind == FILE:
            file = await self._file(found.path or "", files)
            return replace(checked, of_code=await self._read(element_type, checked.spec, file))
        code = code_of(element_type, checked.spec)
        for each in known:
            if code_of(element_type, each.spec) == code:
                return replace(checked, of_code=each.of_code)
        return replace(checked, of_code=await self._read(element_type, checked.spec)) if any(code) else checked

    async def _file(self, path: str, files: Files | None) -> CodeFile:
        content = await self._source.read(files, path, MOST_CODE) if files else None
        return CodeFile(path, None if content is None else content.decode(errors="replace"))

    async def _read(
        self, element_type: ElementType, spec: Mapping[str, Any], file: CodeFile | None = None
    ) -> tuple[Complaint, ...]:
        verdict = await self._source_check.check(element_type, spec, file)
        if verdict.failure is not None:
            raise FailureError(_pointed(verdict.failure, verdict.errors))
        if verdict.errors:
            errors = below_spec(verdict.errors)
            raise InvalidSpec(_first(errors), errors=errors, suggestion=verdict.suggestion)
        return below_spec(verdict.warnings)


def rules(element_type: ElementType, spec: Any) -> CheckedSpec:
    """What the type's schema and rules say, without reading code. Raises InvalidSpec."""
    found = element_type.check_spec(spec)
    if not found.valid:
        errors = below_spec(found.errors)
        raise InvalidSpec(_first(errors), errors=errors, suggestion=found.suggestion)
    return CheckedSpec(found.spec, below_spec(found.warnings))


def raise_any(complaints: Iterable[Complaint]) -> None:
    """Raises InvalidInput listing all complaints, if there are any."""
    found = tuple(complaints)
    if found:
        raise refuse(*found)


def _pointed(failure: Failure, errors: tuple[Complaint, ...]) -> Failure:
    return replace(failure, errors=below_spec(failure.errors or errors))


def below_spec(complaints: Iterable[Complaint]) -> tuple[Complaint, ...]:
    """Types speak of the spec alone; callers sent it as a member of a body."""
    return tuple(Complaint(f"/spec{each.pointer}", each.message) for each in complaints)


def _first(errors: tuple[Complaint, ...]) -> str:
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{errors[0].pointer}: {errors[0].message}{more}"
