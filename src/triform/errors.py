"""Errors as classes and as values.

A `TriformError` is raised; its `Failure` is what a run stores and a problem document shows.
The class docstring is the default message. `message` is for the caller, `detail` for the log only,
`suggestion` for both. Status numbers are known to `api/problems.py` alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Literal

Kind = Literal[
    "validation", "auth", "not_found", "conflict", "billing", "rate_limit", "timeout", "internal", "unavailable"
]
"""The error classes of the contract; `Failure.kind` is written `class` on the wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """How to get past an error. `patch` is an RFC 6902 patch on the element's spec, applicable as is."""

    why: str
    fix: str
    code: str | None = None
    op: str | None = None
    patch: tuple[Mapping[str, Any], ...] | None = None
    example: Any = None
    docs: str | None = None


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing wrong with an input; `pointer` is a JSON pointer into it ("" = the whole)."""

    pointer: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A typed error as a value. `facts` are extra members of the problem (exception, limits, …)."""

    code: str
    kind: Kind
    message: str
    retryable: bool = False
    suggestion: Suggestion | None = None
    errors: tuple[Complaint, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


class TriformError(Exception):
    """The platform made a mistake."""

    code: ClassVar[str] = "INTERNAL_ERROR"
    kind: ClassVar[Kind] = "internal"
    retryable: ClassVar[bool] = False
    default_suggestion: ClassVar[Suggestion | None] = None

    def __init__(
        self,
        message: str | None = None,
        *,
        detail: str = "",
        suggestion: Suggestion | None = None,
        errors: tuple[Complaint, ...] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.detail = detail
        self.suggestion = suggestion or self.default_suggestion
        self.errors = errors
        self.facts: Mapping[str, Any] = facts or {}
        super().__init__(self.message)

    def failure(self) -> Failure:
        return Failure(
            code=self.code,
            kind=self.kind,
            message=self.message,
            retryable=self.retryable,
            suggestion=self.suggestion,
            errors=self.errors,
            facts=self.facts,
        )


class FailureError(TriformError):
    """A failure known only as a value (a run's stored error), raised again."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(
            failure.message, suggestion=failure.suggestion, errors=failure.errors, facts=failure.facts
        )
        self._failure = failure

    def failure(self) -> Failure:
        return self._failure


class InvalidInput(TriformError):
    """The input does not match what the operation accepts."""

    code = "INVALID_INPUT"
    kind = "validation"


class NotFound(TriformError):
    """There is nothing at this address, or you may not see it."""

    code = "NOT_FOUND"
    kind = "not_found"
    default_suggestion = Suggestion(
        why="No element, operation or run with this address is visible to your credential.",
        fix="Check the circle, slug and operation; GET /api/{circle}/ops/children lists what is there.",
    )


class Forbidden(TriformError):
    """Your role does not allow this operation."""

    code = "FORBIDDEN"
    kind = "auth"


class Unauthenticated(TriformError):
    """This request needs a valid credential."""

    code = "UNAUTHENTICATED"
    kind = "auth"
    default_suggestion = Suggestion(
        why="No valid bearer token, API key or session cookie came with the request.",
        fix="Sign in (POST /api/auth/dev in dev mode, else /api/auth/login) and send Authorization: Bearer …",
    )


class PlatformFault(TriformError):
    """The platform could not carry out this run; your code is not at fault and nothing was charged."""

    code = "PLATFORM_FAULT"
    kind = "unavailable"
    retryable = True
    default_suggestion = Suggestion(
        why="The platform's own machinery failed.",
        fix="Try again; if it stays, GET …/ops/diagnostics tells what is wrong.",
        op="diagnostics",
    )
