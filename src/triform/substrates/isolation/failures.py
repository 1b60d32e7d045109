"""How user code failed, told to its author: the type's own error code, the place, and the way out."""

import signal as signals
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from triform.chemistry.element_type import ElementType
from triform.elements.code_source import INLINE, code_source
from triform.errors import Complaint, Failure, PlatformFault
from triform.substrates.isolation.backtrace import exception_facts, first_place
from triform.substrates.isolation.ending import Ending
from triform.substrates.isolation.interfaces import Cause, LoadFailed
from triform.substrates.isolation.messages import GuestError, parse_error
from triform.substrates.isolation.outcome import Outcome
from triform.substrates.isolation.plan import Plan
from triform.substrates.isolation.remedies import remedy

MB = 1 << 20


def of_outcome(outcome: Outcome, plan: Plan) -> Failure:
    """The failure of a run that did not end well."""
    if outcome.cause in (Cause.infra_before, Cause.infra_after):
        return platform_fault(outcome.detail)
    unserialisable = outcome.error is not None and outcome.error.kind == "unserialisable"
    ending = Ending(
        cause="unserialisable" if unserialisable else outcome.cause.value,
        error=outcome.error,
        code=outcome.code,
        signal=outcome.signal,
        detail=outcome.detail,
        memory_peak_mb=outcome.exit.memory_peak_bytes / MB,
    )
    return _failure(ending, plan)


def of_load(failed: LoadFailed, plan: Plan) -> Failure:
    """The failure of user code that could not be loaded."""
    error, seen = parse_error(failed.error), failed.error or {}
    code = error.status if error else _number(seen.get("code"))
    ending = Ending(
        cause=failed.cause,
        error=error,
        code=code,
        signal=_number(seen.get("signal")),
        detail=failed.detail,
        loading=True,
    )
    return _failure(ending, plan)


def platform_fault(detail: str) -> Failure:
    """Not the user's doing; `detail` names the machinery only."""
    return PlatformFault(facts={"reason": detail} if detail else {}).failure()


def too_slow(element_type: ElementType, message: str) -> Failure:
    """A deploy that took longer than it may."""
    declared = element_type.error_for("timeout")
    fix = "Require fewer gems, or such as are quicker to build, and deploy again."
    return replace(
        declared.failure(message),
        suggestion=replace(declared.suggestion, why=message, fix=fix, op="deploy", example=None),
    )


def _failure(ending: Ending, plan: Plan) -> Failure:
    ending = ending.masked(plan.mask)  # before anything is cut out of it
    declared = plan.type.error_for(ending.cause)
    failure = declared.failure(_message(ending, plan), **_facts(ending, plan))
    return replace(
        failure, suggestion=remedy(ending, plan, declared.suggestion), errors=_complaints(ending.error, plan)
    )


def _message(ending: Ending, plan: Plan) -> str:
    text = _WORDS[ending.cause](ending, plan)
    return f"while loading: {text}" if ending.loading and ending.cause not in _ALWAYS_LOADING else text


def _raised(ending: Ending, plan: Plan) -> str:
    error = ending.error
    if error is None:
        return "the code failed without saying how"
    place = first_place(error, plan.template.entry)
    return f"{error.class_name}: {_first_line(error.message)}" + (f" ({place.file}:{place.line})" if place else "")


def _unserialisable(ending: Ending, plan: Plan) -> str:
    return ending.error.message if ending.error else "the handler returned something JSON has no place for"


def _exit(ending: Ending, plan: Plan) -> str:
    return f"the process ended itself with exit status {ending.code or 0}{_too_early(ending)}"


def _signal(ending: Ending, plan: Plan) -> str:
    return f"the process was ended by {_signal_name(ending.signal)}{_too_early(ending)}"


def _too_early(ending: Ending) -> str:
    return "" if ending.loading else " before the handler returned"


def _oom(ending: Ending, plan: Plan) -> str:
    peak = f"; its peak was {ending.memory_peak_mb:.1f} MB" if ending.memory_peak_mb else ""
    return f"it took more than the {plan.template.limits.memory_mb} MB it may take{peak}"


def _timeout(ending: Ending, plan: Plan) -> str:
    limit = plan.bounds.load_timeout_ms if ending.loading else plan.timeout_ms
    return f"not done within {limit} ms"


def _syntax(ending: Ending, plan: Plan) -> str:
    error = ending.error
    if error is None or not error.errors:
        return _raised(ending, plan)
    first = error.errors[0]
    return f"{first.file or plan.template.entry} line {first.line}: {_first_line(first.message)}"


def _not_found(ending: Ending, plan: Plan) -> str:
    return ending.error.message if ending.error else f"there is no {plan.template.handler}"


def _detail(ending: Ending, plan: Plan) -> str:
    return ending.detail or "the harness broke off"


_WORDS: Mapping[str, Callable[[Ending, Plan], str]] = {
    "handler_error": _raised,
    "load_error": _raised,
    "unserialisable": _unserialisable,
    "exit": _exit,
    "signal": _signal,
    "oom": _oom,
    "timeout": _timeout,
    "syntax_error": _syntax,
    "handler_not_found": _not_found,
    "output_limit": _detail,
    "protocol": _detail,
}
_ALWAYS_LOADING = frozenset({"syntax_error", "handler_not_found"})


def _facts(ending: Ending, plan: Plan) -> dict[str, Any]:
    facts: dict[str, Any] = {"cause": ending.cause}
    if ending.loading:
        facts["phase"] = "load"
    if ending.error is not None and ending.cause != "handler_not_found":
        facts["exception"] = exception_facts(ending.error, plan.template)
    if ending.cause == "oom":
        facts |= {"memory_mb": plan.template.limits.memory_mb, "memory_peak_mb": round(ending.memory_peak_mb, 3)}
    if ending.cause == "timeout":
        facts["timeout_ms"] = plan.bounds.load_timeout_ms if ending.loading else plan.timeout_ms
    return facts


def _complaints(error: GuestError | None, plan: Plan) -> tuple[Complaint, ...]:
    source = code_source(plan.type, plan.spec)
    pointer = f"{plan.type.limits.get('source', '')}/{'path' if source and source.kind != INLINE else 'code'}"
    problems = error.errors if error else ()
    return tuple(
        Complaint(pointer, f"{each.file or plan.template.entry} line {each.line}: {each.message}")
        for each in problems
    )


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0][:500] if lines else "(no message)"


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _signal_name(number: int | None) -> str:
    try:
        return signals.Signals(number or 0).name
    except ValueError:
        return f"signal {number}"
