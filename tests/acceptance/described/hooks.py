"""What is asked of every answer beyond its schema, and how generated bodies come to hold code that runs."""

from typing import Any

import schemathesis

CODE = "def handler(input)\n  input\nend\n"
_CLASSES = {
    "validation": {400, 405, 413, 415, 422}, "auth": {401, 403}, "not_found": {404}, "conflict": {409, 412, 428},
    "billing": {402}, "rate_limit": {429}, "timeout": {504}, "internal": {500}, "unavailable": {503},
}  # fmt: skip
_OF_USER_CODE = ("RUBY_", "OUTPUT_TOO_LARGE")
_BEYOND_SCHEMAS = {
    "BUNDLE_REFUSED",
    "INVALID_SPEC",
    "RUBY_SYNTAX_ERROR",
    "IDEMPOTENCY_KEY_REUSED",
}
"""Refusals of what matches the schema: rules over specs, code, bundles, what was sent before."""
_AT = ("/expires_at", "/scopes", "/input_patch", "/with")
"""Members of which the schema says only the form: moments to come, names of operations, what a patch meets, and
what is needed only where there is no other run to compare with."""
_NO_REFUSAL = {401, 402, 403, 404, 405, 409, 412, 428, 429}


@schemathesis.hook
def map_case(context: Any, case: Any) -> Any:
    """A source drawn at random would hardly ever be Ruby."""
    spec = case.body.get("spec") if isinstance(case.body, dict) else None
    if isinstance(spec, dict) and "element_type" in case.body and _is_good(case):
        case.body["spec"] = {**spec, "handler": "handler", "source": {"type": "inline", "code": CODE}}
    return case


@schemathesis.check
def no_fault_of_the_platform(ctx: Any, response: Any, case: Any) -> None:
    """Only user code may fail."""
    if response.status_code >= 500 and case.operation.path != "/readyz":
        code = response.json()["code"]
        assert code.startswith(_OF_USER_CODE), f"{response.status_code} {response.text}"


@schemathesis.check
def refusals_are_whole_problems(ctx: Any, response: Any, case: Any) -> None:
    if response.status_code < 400 or case.operation.path == "/readyz":
        return
    assert response.headers["content-type"] == ["application/problem+json"], response.headers
    problem = response.json()
    assert problem["status"] == response.status_code, problem
    assert response.status_code in _CLASSES[problem["class"]], problem
    assert problem["_suggestion"]["why"], problem
    assert problem["_suggestion"]["fix"], problem
    assert all(set(each) == {"pointer", "message"} for each in problem.get("errors", ())), problem


@schemathesis.check
def takes_what_it_describes(ctx: Any, response: Any, case: Any) -> None:
    """What matches the description is not refused for its form."""
    if not _is_good(case) or response.status_code < 400 or response.status_code in _NO_REFUSAL:
        return
    problem = response.json()
    if problem["code"] in _BEYOND_SCHEMAS or problem["code"].startswith(_OF_USER_CODE):
        return
    beyond = problem.get("errors") and all(each["pointer"].startswith(_AT) for each in problem["errors"])
    assert beyond, f"{response.status_code} {response.text}"


def _is_good(case: Any) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive
