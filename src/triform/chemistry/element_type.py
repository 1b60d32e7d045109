"""One element type, compiled from three heights of YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from triform.chemistry.model import (
    DeclaredError,
    Docs,
    Event,
    Example,
    Hooks,
    Limits,
    Metric,
    Port,
    Price,
    Provenance,
    Provides,
    Retry,
)
from triform.chemistry.operation import Operation
from triform.chemistry.paths import PathTable
from triform.chemistry.rules import RuleSet, SpecCheck
from triform.chemistry.schema import CompiledSchema, at_pointer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ElementType:
    """Everything the product knows about one type. `limits` are JSON pointers into a spec, by limit name.

    `tenant`: its elements are circles. `language`: the harness that runs its code, None = it runs none.
    `attaches` and `uses` are the types of modifiers and of resources its elements take; `references` are pointers
    to lists of slugs in a spec, by relation. `promoted` is where it keeps
    which versions of them were promoted. `intentions` say what it is for, by type, category and root.
    `end_causes` maps every bad end of user code to an error code. `provenance` answers, for a JSON pointer
    such as `/ops/invoke` or `/properties/memory_mb`, where the value was declared.
    """

    name: str
    category: str
    form: str
    symbol: str
    colour: str
    title: str
    one_line: str
    tenant: bool
    accepts_children: bool
    attaches: frozenset[str]
    uses: frozenset[str]
    references: Mapping[str, str]
    promoted: str | None
    provides: Provides
    intentions: Mapping[str, str]
    substrate: str
    language: str | None
    limits: Mapping[str, str]
    hooks: Hooks
    end_causes: Mapping[str, str]
    ports: tuple[Port, ...]
    operations: Mapping[str, Operation]
    errors: Mapping[str, DeclaredError]
    metrics: tuple[Metric, ...]
    events: tuple[Event, ...]
    examples: tuple[Example, ...]
    docs: Docs
    properties: CompiledSchema = field(repr=False)
    rules: RuleSet = field(repr=False)
    provenance: Mapping[str, Provenance] = field(repr=False)
    routes: PathTable = field(repr=False)

    @property
    def is_modifier(self) -> bool:
        return self.form == "modifier"

    @property
    def bears(self) -> bool:
        """Whether a change of one of its elements can change how others run, or where they are."""
        return bool(self.references) or self.provides.environment is not None

    def takes(self, other: "ElementType") -> bool:
        """Whether its elements can have elements of another type attached."""
        return other.name in self.attaches or other.name in self.uses

    def operation(self, name: str) -> Operation | None:
        """The operation of this name, or None."""
        return self.operations.get(name)

    def by_path(self, path: str) -> tuple[Operation, Mapping[str, str]] | None:
        """The operation at a path below `/ops/` and its path arguments, or None."""
        found = self.routes.find(path)
        return (self.operations[found[0]], found[1]) if found else None

    def error(self, code: str) -> DeclaredError:
        """A declared error; an undeclared code is a KeyError."""
        return self.errors[code]

    def prices(self, operation: str) -> tuple[Price, ...]:
        """The price rules of an operation; none = free."""
        found = self.operations.get(operation)
        return found.prices if found else ()

    def error_for(self, end_cause: str) -> DeclaredError:
        """The error a bad end of user code becomes; an unknown cause is a KeyError."""
        return self.errors[self.end_causes[end_cause]]

    def check_spec(self, spec: Any) -> SpecCheck:
        """Fill in defaults, then hold the spec against schema and rules; collects everything wrong."""
        return self.rules.check(spec, self.properties)

    def limits_of(self, spec: Mapping[str, Any]) -> Limits:
        """What a checked spec asks of a run."""
        found = {name: at_pointer(spec, pointer) for name, pointer in self.limits.items()}
        return Limits(
            timeout_ms=found.get("timeout_ms"),
            memory_mb=found.get("memory_mb"),
            concurrency_max=found.get("concurrency_max"),
            concurrency_reserved=found.get("concurrency_reserved"),
            retry=Retry(**(found.get("retry") or {})),
            environment=found.get("environment") or {},
            handler=found.get("handler"),
            source=found.get("source") or {},
        )
