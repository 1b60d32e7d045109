"""The small frozen values a compiled definition is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from triform.errors import Failure, Kind, Suggestion

Level = Literal["none", "read", "execute", "write", "admin"]
"""What an operation asks of the caller's role; each level includes those before it."""

LEVELS: tuple[Level, ...] = ("none", "read", "execute", "write", "admin")

Verb = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

Provenance = Literal["root", "category", "element"]
"""Which height of the cascade a resolved value comes from."""

Severity = Literal["error", "warning"]

END_CAUSES = frozenset(
    {
        "handler_error",
        "load_error",
        "syntax_error",
        "handler_not_found",
        "unserialisable",
        "exit",
        "signal",
        "oom",
        "timeout",
        "output_limit",
        "protocol",
        "requirements",
    }
)
"""Every way user code can end a run badly, and requirements nobody can meet; a language maps each to an error."""

EVENT_MOMENTS = frozenset({"started", "completed", "failed", "cancelled", "cold_start"})
"""When a type's own event is emitted."""

LIMITS = frozenset(
    {
        "timeout_ms",
        "memory_mb",
        "concurrency_max",
        "concurrency_reserved",
        "retry",
        "environment",
        "handler",
        "source",
    }
)
"""What a spec may ask of a run; a type says with JSON pointers where."""

MEASURES = frozenset({"count", "duration_ms", "error_rate", "memory_peak_mb", "cold_start_ms", "queue_ms"})
"""What of a run a metric can measure."""


def covers(granted: Level, needed: Level) -> bool:
    """Whether a granted level includes the needed one."""
    return LEVELS.index(granted) >= LEVELS.index(needed)


@dataclass(frozen=True, slots=True)
class Price:
    """One rule: micro-AU per unit of a dimension (`per_invocation`, `per_second`, `per_input_token`, …)."""

    dimension: str
    amount_micro_au: int


@dataclass(frozen=True, slots=True)
class Port:
    """A named way in or out of an element. `kind` is `request`, `event` or `stream`."""

    name: str
    direction: Literal["input", "output"]
    kind: str
    required: bool
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EnvironmentEntry:
    """Where a spec says the name and the value of an environment variable; JSON pointers."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Provides:
    """What an element gives to those it is attached to."""

    environment: EnvironmentEntry | None = None


@dataclass(frozen=True, slots=True)
class Hooks:
    """Executor steps by moment, in order."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    on_error: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Retry:
    """`max_attempts` counts the first; the n-th wait is `backoff_ms * backoff_multiplier ** (n - 1)`."""

    max_attempts: int = 1
    backoff_ms: int = 0
    backoff_multiplier: float = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a spec asks of a run, read through the type's `limits` pointers; None = the spec does not say."""

    timeout_ms: int | None
    memory_mb: int | None
    concurrency_max: int | None
    concurrency_reserved: int | None
    retry: Retry
    environment: Mapping[str, Any]
    handler: str | None
    source: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeclaredError:
    """An error code as chemistry declares it. `retryable` is a default the raised error may narrow."""

    code: str
    kind: Kind
    retryable: bool
    title: str
    description: str
    suggestion: Suggestion
    provenance: Provenance

    def failure(self, message: str | None = None, **facts: Any) -> Failure:
        """This error as a value; `message` replaces the description."""
        return Failure(
            code=self.code,
            kind=self.kind,
            message=message or self.description,
            retryable=self.retryable,
            suggestion=self.suggestion,
            facts=facts,
        )


@dataclass(frozen=True, slots=True)
class Metric:
    """A Prometheus metric over a type's execution runs; over those of `operations` alone where these are named."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    measures: str
    unit: str
    description: str
    operations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """A type's own event, emitted when a run of one of `operations` reaches `moment`."""

    name: str
    moment: str
    operations: tuple[str, ...]
    description: str


@dataclass(frozen=True, slots=True)
class ExampleCall:
    """One call of an example: the exact `output`, or the code of the error it ends with."""

    operation: str
    input: Any
    output: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A spec that works, with calls and what they answer. Shown in the docs, run by the tests."""

    name: str
    title: str
    description: str
    spec: Mapping[str, Any]
    calls: tuple[ExampleCall, ...]


@dataclass(frozen=True, slots=True)
class Docs:
    """Guide text, Markdown."""

    guide: str
    when_to_use: tuple[str, ...] = ()
    when_not_to_use: tuple[str, ...] = ()
    mistakes: tuple[tuple[str, str], ...] = ()
    capabilities: tuple[tuple[str, str], ...] = ()
