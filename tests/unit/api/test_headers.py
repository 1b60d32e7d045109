"""Headers with a meaning: whatever comes is understood, ignored or refused, and never a fault."""

import contextlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shipped import CATALOGUE
from triform.api.headers import LONGEST_WAIT_S, InvalidHeader, applied, idempotency_key, if_match, preference
from triform.chemistry.openapi import document
from triform.observability.traceparent import parse_traceparent

LATIN = st.text(st.characters(max_codepoint=0xFF), max_size=40)
"""What HTTP servers hand over: every byte is a character."""
LIKE_PREFER = st.lists(
    st.sampled_from(["respond-async", "wait", "=", ",", ";", " ", '"', "5", "60", "²", "-1", "1e3", "0" * 5000]),
    max_size=8,
).map("".join)
LIKE_TRACEPARENT = st.from_regex(re.compile(r"[0-9a-fA-F]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-fx]{2}(-.*)?"))


def pattern_of(parameter: str) -> str:
    pattern: str = document(CATALOGUE, "1")["components"]["parameters"][parameter]["schema"]["pattern"]
    return pattern


def read(reader: Callable[[str], Any], value: str) -> Any:
    """None for what is refused, which only one error may say."""
    with contextlib.suppress(InvalidHeader):
        return reader(value)
    return None


@given(st.lists(LATIN | LIKE_PREFER, max_size=3))
def test_every_prefer_is_read(values: list[str]) -> None:
    wait_s = preference(values).wait_s
    assert wait_s is None or 0 <= wait_s <= LONGEST_WAIT_S


@given(st.booleans(), st.none() | st.integers(0, 60))
def test_what_is_said_of_a_preference_is_read_as_the_same(respond_async: bool, wait_s: int | None) -> None:
    said = (["respond-async"] if respond_async else []) + ([f"wait={wait_s}"] if wait_s is not None else [])
    preferred = preference([", ".join(said)])
    assert (preferred.respond_async, preferred.wait_s) == (respond_async, wait_s)
    assert preference([applied(preferred)]) == preferred


@pytest.mark.parametrize("value", ["wait=²", "wait=٣", "wait=-5", "wait=", "wait", "wait=1.5", "wait=0x9"])
def test_a_wait_that_is_no_number_is_ignored(value: str) -> None:
    assert preference([value]).wait_s is None


@given(LATIN)
def test_every_key_is_taken_as_1_to_255_printable_characters_or_refused(value: str) -> None:
    key = read(idempotency_key, value)
    if key is None:
        return
    assert re.fullmatch(r"[ -~]{1,255}", key)
    assert key in value


@given(st.from_regex(pattern_of("idempotency_key"), fullmatch=True))
def test_every_key_of_the_described_form_is_taken(value: str) -> None:
    assert idempotency_key(value) in (value, value[1:-1])


def test_quotes_around_a_key_are_not_part_of_it() -> None:
    assert idempotency_key('"abc"') == idempotency_key(" abc ") == "abc"


@given(LATIN)
def test_every_version_to_match_is_a_number_or_refused(value: str) -> None:
    version = read(if_match, value)
    assert version is None or 0 <= version < 10**9


@given(st.from_regex(pattern_of("if_match"), fullmatch=True))
def test_every_version_of_the_described_form_is_taken(value: str) -> None:
    digits = re.sub(r"[^0-9]", "", value)
    assert if_match(value) == (int(digits) if digits else None)


@given(LATIN | LIKE_TRACEPARENT)
def test_a_traceparent_is_continued_as_it_came_or_ignored(value: str) -> None:
    parent = parse_traceparent(value)
    if parent is None:
        return
    assert parent.header()[:53] == "00" + value.strip()[2:53]
    assert parse_traceparent(parent.header()) == parent
    assert parent.remote_context().is_valid
