"""Rules hold a spec against CEL, with defaults filled in and absent members null, and fail closed."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triform.chemistry.catalogue import Catalogue, ElementType, load
from triform.chemistry.rules import BadExpression, compile_expression, for_cel

PROPERTIES = {name: {} for name in ("a", "b", "name")}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


def truth(text: str, **variables: Any) -> bool | None:
    return compile_expression(text, PROPERTIES).truth(for_cel({**dict.fromkeys(PROPERTIES), **variables}))


@pytest.fixture
def ruled(toys: Callable[..., Path]) -> Callable[[str], ElementType]:
    """The toy type with one rule, its fields given as YAML."""

    def build(fields: str) -> ElementType:
        text = "rules:\n  one:\n" + "".join(f"    {line}\n" for line in fields.splitlines())
        return load([toys({"toys/top/validation.yaml": text})]).type("top")

    return build


REFUSING = "severity: error\nmessage: is not allowed\npointer: /speed\n"


@given(JSON)
def test_no_value_makes_an_expression_raise(value: Any) -> None:
    for text in ("a == 'x'", "size(a) > 2", "a.b.c", "a > 3", "a[0] == b", "'k' in a", "a.contains('x')"):
        assert truth(text, a=value) in (True, False, None)


@given(st.text(max_size=60))
def test_no_text_makes_compiling_crash(text: str) -> None:
    with contextlib.suppress(BadExpression):
        compile_expression(text, PROPERTIES)


@given(st.text(max_size=20), st.text(max_size=20))
def test_text_behind_a_nul_is_not_hidden_from_rules(before: str, after: str) -> None:
    assert truth("a.endsWith('evil')", a=f"{before}\0{after}evil") is True


def test_integers_beyond_64_bits_are_compared_as_very_large_numbers() -> None:
    assert truth("a > 1000", a=10**40) is True
    assert truth("a > 1000", a=-(10**40)) is False


def test_an_absent_member_is_null(ruled: Callable[[str], ElementType]) -> None:
    top = ruled("when: label == null\nfails_unless: speed == 3\n" + REFUSING)
    assert top.check_spec({}).valid
    assert not top.check_spec({"speed": 4}).valid
    assert top.check_spec({"speed": 4, "label": "x"}).valid


def test_defaults_are_filled_in_before_rules_look(ruled: Callable[[str], ElementType]) -> None:
    assert ruled("fails_unless: speed == 3\n" + REFUSING).check_spec({}).spec == {"speed": 3}


def test_an_expression_that_errs_counts_as_failed(ruled: Callable[[str], ElementType]) -> None:
    checked = ruled("fails_unless: label.startsWith('x')\n" + REFUSING).check_spec({})
    assert [(c.pointer, c.message) for c in checked.errors] == [("/speed", "is not allowed")]


def test_a_condition_that_errs_counts_as_failed_too(ruled: Callable[[str], ElementType]) -> None:
    top = ruled('when: label.size() > 3\nfails_unless: "true"\n' + REFUSING)
    assert not top.check_spec({}).valid
    assert top.check_spec({"label": "short"}).valid


def test_a_warning_lets_the_spec_pass(ruled: Callable[[str], ElementType]) -> None:
    checked = ruled("fails_unless: speed < 10\n" + REFUSING.replace("error", "warning")).check_spec({"speed": 10})
    assert checked.valid
    assert [c.message for c in checked.warnings] == ["is not allowed"]


def test_a_rule_speaks_instead_of_the_schema_at_its_pointer(ruled: Callable[[str], ElementType]) -> None:
    top = ruled("fails_unless: \"!('colour' in spec)\"\nseverity: error\nmessage: no colours\npointer: /colour\n")
    checked = top.check_spec({"colour": "red", "spede": 1})
    assert [(c.pointer, c.message) for c in checked.errors] == [
        ("/colour", "no colours"),
        ("/spede", "is not a known field; did you mean speed?"),
    ]


def test_rules_that_cannot_be_told_stay_silent_in_a_malformed_spec(ruled: Callable[[str], ElementType]) -> None:
    checked = ruled("fails_unless: speed > 1\n" + REFUSING).check_spec({"speed": "fast"})
    assert [c.message for c in checked.errors] == ["must be an integer"]


def test_a_patch_brings_along_the_parents_the_spec_lacks(ruled: Callable[[str], ElementType]) -> None:
    top = ruled(
        "fails_unless: \"!('turns' in spec)\"\nseverity: error\nmessage: moved\npointer: /turns\n"
        "suggestion:\n  why: It moved.\n  fix: Move it.\n"
        "  patch:\n    - {op: move, from: /turns, path: /a/b/turns}\n"
    )
    lacking = top.check_spec({"turns": 1}).suggestion
    having = top.check_spec({"turns": 1, "a": {"b": {}}}).suggestion
    assert lacking is not None
    assert having is not None
    assert [step["path"] for step in lacking.patch or ()] == ["/a", "/a/b", "/a/b/turns"]
    assert [step["path"] for step in having.patch or ()] == ["/a/b/turns"]


def test_text_that_is_no_unicode_is_refused_in_one_sentence(ruled: Callable[[str], ElementType]) -> None:
    checked = ruled("fails_unless: speed > 1\n" + REFUSING).check_spec({"label": "\ud800"})
    assert [c.message for c in checked.errors] == ["has text that is not valid Unicode"]


@given(JSON)
def test_no_spec_makes_the_check_raise_or_pass_unnoticed(catalogue: Catalogue, spec: Any) -> None:
    for element_type in catalogue.types.values():
        checked = element_type.check_spec(spec)
        assert checked.valid is (not checked.errors)
        assert isinstance(checked.spec, dict)
