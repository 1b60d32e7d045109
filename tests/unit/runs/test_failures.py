"""A run's error survives storage and shows what the caller needs."""

from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from triform.errors import Complaint, Failure, InvalidInput, Suggestion
from triform.runs.failures import decode_failure, encode_failure, failure_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
SUGGESTIONS = st.none() | st.builds(
    Suggestion,
    why=st.text(),
    fix=st.text(),
    code=st.none() | st.text(),
    op=st.none() | st.text(),
    patch=st.none() | st.tuples(st.dictionaries(st.text(), JSON, max_size=2)),
    example=JSON,
)
FAILURES = st.builds(
    Failure,
    code=st.text(),
    kind=st.sampled_from(["internal", "timeout"]),
    message=st.text(),
    retryable=st.booleans(),
    suggestion=SUGGESTIONS,
    errors=st.lists(st.builds(Complaint, st.text(), st.text()), max_size=3).map(tuple),
    facts=st.dictionaries(st.text(), JSON, max_size=3),
)


@given(FAILURES)
def test_a_stored_failure_comes_back_as_it_was(failure: Failure) -> None:
    assert decode_failure(encode_failure(failure)) == failure


def test_no_failure_is_stored_as_nothing() -> None:
    assert encode_failure(None) is None
    assert decode_failure(None) is None


def test_facts_that_are_no_json_are_stored_as_text_rather_than_losing_the_failure() -> None:
    facts: dict[str, Any] = {"limits": MappingProxyType({"id": UUID(int=1)}), "odd": object}
    stored = decode_failure(encode_failure(Failure(code="X", kind="internal", message="m", facts=facts)))
    assert stored is not None
    assert stored.facts == {"limits": {"id": str(UUID(int=1))}, "odd": "<class 'object'>"}


def test_facts_cannot_overwrite_the_code_of_an_error() -> None:
    shown = failure_json(Failure(code="X", kind="internal", message="m", facts={"code": "Y", "limit": 3}))
    assert shown["code"] == "X"
    assert shown["limit"] == 3


def test_an_error_shows_only_the_members_of_its_suggestion_that_say_something() -> None:
    error = InvalidInput(
        errors=(Complaint("/a", "no"),), suggestion=Suggestion(why="w", fix="f", patch=({"op": "remove"},))
    )
    shown = msgspec.json.decode(msgspec.json.encode(failure_json(error.failure())))
    assert shown["_suggestion"] == {"why": "w", "fix": "f", "patch": [{"op": "remove"}]}
    assert shown["errors"] == [{"pointer": "/a", "message": "no"}]
