"""Rules over a spec, in CEL: `when` it applies, what it `fails_unless`.

Each declared property of the spec is a variable; `spec` is the whole. Defaults are filled in first and absent
members are null. An expression that errors, or answers anything but a bool, counts as failed (fail closed).
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped]  # its stubs lack py.typed

from triform.chemistry.model import Severity
from triform.chemistry.patches import applicable
from triform.chemistry.schema import CompiledSchema
from triform.errors import Complaint, Suggestion

MAX_EXPRESSION = 2000
_CEL_RESERVED = frozenset(
    {"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop"}
    | {"namespace", "null", "package", "return", "spec", "true", "var", "void", "while"}
)
_SHADOWING = frozenset({"type"})
"""Names CEL has functions for: such a property is reached through `spec` only."""
_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")


class BadExpression(ValueError):
    """A CEL expression that does not compile to a truth value; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecCheck:
    """`spec` has the defaults filled in; `errors` refuse it (422), `warnings` only tell."""

    spec: Mapping[str, Any]
    errors: tuple[Complaint, ...] = ()
    warnings: tuple[Complaint, ...] = ()
    suggestion: Suggestion | None = None

    @property
    def valid(self) -> bool:
        return not self.errors


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """One compiled rule; `pointer` is the member of the spec it speaks of."""

    name: str
    severity: Severity
    message: str
    pointer: str
    suggestion: Suggestion | None
    when: "Expression | None" = field(repr=False)
    fails_unless: "Expression" = field(repr=False)

    def verdict(self, variables: Mapping[str, Any]) -> "bool | None":
        """True = holds or does not apply, False = fails, None = could not be told (fails too)."""
        applies = self.when.truth(variables) if self.when else True
        if applies is not True:
            return None if applies is None else True
        return self.fails_unless.truth(variables)


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A compiled CEL expression that answers a truth value."""

    text: str
    _program: cel.Expression = field(repr=False)

    def truth(self, variables: Mapping[str, Any]) -> bool | None:
        """The answer; None when evaluation errs or the answer is no bool."""
        try:
            answer = self._program.eval(data=dict(variables))
        except (RuntimeError, ValueError, TypeError, UnicodeError):  # values CEL cannot hold
            return None
        return answer.value() if answer.type() == cel.Type.BOOL else None


def is_variable(name: str) -> bool:
    """Whether a property's name can be a variable in an expression."""
    return bool(_NAME.match(name)) and name not in _CEL_RESERVED


def compile_expression(text: str, properties: Mapping[str, Any]) -> Expression:
    """Compile an expression over these properties. Raises BadExpression."""
    if len(text) > MAX_EXPRESSION:
        raise BadExpression(f"is longer than {MAX_EXPRESSION} characters")
    names = frozenset(name for name in properties if is_variable(name) and name not in _SHADOWING)
    try:
        program = _program(text, names)
    except RuntimeError as error:
        raise BadExpression(_first_line(error)) from error
    if program.return_type().name() not in ("BOOL", "DYN"):
        raise BadExpression(f"answers {program.return_type().name()}, not a truth value")
    return Expression(text, program)


@lru_cache(maxsize=256)
def _program(text: str, names: frozenset[str]) -> cel.Expression:
    """Compiled once for all types that inherit the rule, and for its check."""
    return cel.NewEnv(variables=dict.fromkeys([*sorted(names), "spec"], cel.Type.DYN)).compile(text)


def _first_line(error: RuntimeError) -> str:
    return str(error).splitlines()[0].removeprefix("INVALID_ARGUMENT: ERROR: <input>:")


@dataclass(frozen=True, slots=True, eq=False)
class RuleSet:
    """All rules of a type, in declared order."""

    rules: tuple[Rule, ...] = ()

    def check(self, posted: Any, properties: CompiledSchema) -> SpecCheck:
        """Schema and rules together. A rule's words win over the schema's at the same pointer."""
        spec = properties.complete(posted)
        if not isinstance(spec, dict):
            return SpecCheck(spec={}, errors=(Complaint("", "must be an object"),))
        if not _storable(spec):
            return SpecCheck(spec=spec, errors=(Complaint("", "has text that is not valid Unicode"),))
        from_schema = properties.check(spec)
        failed = list(self._failed(for_cel(properties.with_nulls(spec)), malformed=bool(from_schema)))
        refusing = [rule for rule in failed if rule.severity == "error"]
        return SpecCheck(
            spec=spec,
            errors=_merged(refusing, from_schema),
            warnings=_complaints(rule for rule in failed if rule.severity == "warning"),
            suggestion=_suggestion(refusing, posted),
        )

    def _failed(self, completed: Mapping[str, Any], *, malformed: bool) -> Iterator[Rule]:
        """In a malformed spec a rule that cannot be told adds nothing: the spec is refused already."""
        variables = {**completed, "spec": completed}
        for rule in self.rules:
            verdict = rule.verdict(variables)
            if verdict is False or (verdict is None and not malformed):
                yield rule


def for_cel(value: Any) -> Any:
    """A value as CEL can hold it: text is cut at NUL otherwise, and integers have 64 bits."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {for_cel(key): for_cel(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [for_cel(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return math.copysign(math.inf, value)
    return value


def _storable(spec: Any) -> bool:
    try:
        json.dumps(spec, ensure_ascii=False).encode()
    except (UnicodeError, TypeError, ValueError, RecursionError):
        return False
    return True


def _complaints(rules: Iterator[Rule]) -> tuple[Complaint, ...]:
    return tuple(Complaint(rule.pointer, rule.message) for rule in rules)


def _merged(refusing: list[Rule], from_schema: tuple[Complaint, ...]) -> tuple[Complaint, ...]:
    spoken = {rule.pointer for rule in refusing}
    return (*_complaints(iter(refusing)), *(c for c in from_schema if c.pointer not in spoken))


def _suggestion(refusing: list[Rule], posted: Mapping[str, Any]) -> Suggestion | None:
    for rule in refusing:
        if rule.suggestion:
            return applicable(rule.suggestion, posted)
    return None
