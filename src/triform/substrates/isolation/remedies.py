"""The way out of a failure: the declared suggestion, sharpened by what is known about this one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from triform.chemistry.schema import at_pointer
from triform.errors import Suggestion
from triform.substrates.isolation.ending import Ending
from triform.substrates.isolation.gems.requirements import read
from triform.substrates.isolation.plan import Plan

EGRESS_BLOCKED = "EGRESS_BLOCKED"
_MEMORY_STEP_MB = 64


def remedy(ending: Ending, plan: Plan, declared: Suggestion) -> Suggestion:
    """What to do about it."""
    found = _BY_CAUSE.get(ending.cause, _as_declared)(ending, plan, declared)
    return _by_error(ending, plan, found)


def _by_error(ending: Ending, plan: Plan, suggestion: Suggestion) -> Suggestion:
    chain = ending.error.chain() if ending.error else ()
    if ending.error and ending.error.kind == "unserialisable":
        return _no_json(suggestion)
    if any(error.network for error in chain):
        return _no_network(suggestion)
    missing = next((error.missing for error in chain if error.missing), None)
    return _requirement(missing, plan, suggestion) if missing else suggestion


def _no_json(suggestion: Suggestion) -> Suggestion:
    return replace(
        suggestion,
        why="The handler returned, but what it returned, or a part of it, has no form in JSON; `path` says which.",
        fix="Turn that part into an object, a list, text, a finite number, true, false or null, then return it.",
        op=None,
        example=None,
    )


def _no_network(suggestion: Suggestion) -> Suggestion:
    return replace(
        suggestion,
        code=EGRESS_BLOCKED,
        why="The sandbox has no network: no host, no loopback, no name server can be reached from it.",
        fix="Fetch what the code needs before the call and hand it over in the input.",
        op=None,
        example=None,
    )


def _requirement(library: str, plan: Plan, suggestion: Suggestion) -> Suggestion:
    pointer = f"{plan.type.limits['source']}/requirements"
    present = at_pointer(plan.spec, pointer)
    if library in {each.name for each in read(present or ()).requirements}:
        return _required_already(library, suggestion)
    add = (
        {"path": f"{pointer}/-", "value": library}
        if present is not None
        else {"path": pointer, "value": [library]}
    )
    return replace(
        suggestion,
        why=f"{library} does not come with the language.",
        fix=f"Add {library} to the requirements and deploy again, or do without it.",
        op="deploy",
        patch=({"op": "add", **add},),
        example=None,
    )


def _required_already(library: str, suggestion: Suggestion) -> Suggestion:
    return replace(
        suggestion,
        why=f"The gem {library} is there, but has no library of that name.",
        fix="Require the library by the name the gem gives it; its documentation tells.",
        example=None,
    )


def _more_time(ending: Ending, plan: Plan, declared: Suggestion) -> Suggestion:
    if ending.loading:
        return replace(
            declared,
            why=f"The code was not loaded within {plan.bounds.load_timeout_ms} ms, a limit of the platform.",
            fix="Do less at the top level; move slow work into the handler.",
            op=None,
            example=None,
        )
    return _raise_limit("timeout_ms", plan.timeout_ms * 2, plan, declared)


def _more_memory(ending: Ending, plan: Plan, declared: Suggestion) -> Suggestion:
    limit = plan.template.limits.memory_mb
    wanted = max(limit * 2, int(ending.memory_peak_mb * 1.5))
    return _raise_limit("memory_mb", -(-wanted // _MEMORY_STEP_MB) * _MEMORY_STEP_MB, plan, declared)


def _raise_limit(name: str, wanted: int, plan: Plan, declared: Suggestion) -> Suggestion:
    """A patch that raises a limit as far as the type's schema lets it; none when it stands there already."""
    pointer = plan.type.limits.get(name)
    if pointer is None:
        return declared
    most = _maximum(plan, pointer)
    value = wanted if most is None else min(wanted, most)
    present = at_pointer(plan.spec, pointer)
    if isinstance(present, int) and value <= present:
        return replace(declared, fix="The limit stands at its maximum: do less in one call, or in smaller pieces.")
    return replace(declared, patch=({"op": "add", "path": pointer, "value": value},), example=None)


def _maximum(plan: Plan, pointer: str) -> int | None:
    node: Any = plan.type.properties.document
    for step in pointer.strip("/").split("/"):
        node = node.get("properties", {}).get(step, {})
    found = node.get("maximum")
    return int(found) if isinstance(found, int | float) else None


def _as_declared(ending: Ending, plan: Plan, declared: Suggestion) -> Suggestion:
    return declared


_BY_CAUSE: Mapping[str, Callable[[Ending, Plan, Suggestion], Suggestion]] = {
    "timeout": _more_time,
    "oom": _more_memory,
}
