"""How big what users write may be."""

from typing import Any

import pytest

from triform.elements import bounds
from triform.elements.specs import digest


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


def test_what_is_within_the_bounds_raises_no_complaint() -> None:
    assert not list(bounds.check_name("Grüße an alle 👋, aux\xa0familles 👩\u200d👧"))
    assert not list(bounds.check_intention("Two\nlines"))
    assert not list(bounds.check_meta({"x": [1, 2]}))
    assert not list(bounds.check_spec(nested(bounds.DEPTH_LIMIT)))
    assert not list(bounds.check_spec({"x": "a" * (bounds.SPEC_LIMIT - 8)}))


@pytest.mark.parametrize(
    "name", ["", "  ", "a\nb", "a\0", "\u202eevil", "\u2028", "\ud800", "x" * (bounds.NAME_LIMIT + 1), 1, None]
)
def test_names_that_cannot_be_shown_are_refused(name: Any) -> None:
    assert [each.pointer for each in bounds.check_name(name)] == ["/name"]


@pytest.mark.parametrize("intention", ["a\0", "x" * (bounds.INTENTION_LIMIT + 1), 1, {}])
def test_intentions_out_of_bounds_are_refused(intention: Any) -> None:
    assert [each.pointer for each in bounds.check_intention(intention)] == ["/intention"]


@pytest.mark.parametrize(
    "value",
    [None, [], "x", nested(bounds.DEPTH_LIMIT + 1), {"x": [nested(bounds.DEPTH_LIMIT)]}, {"x": "é" * (1 << 20)}],
)
def test_objects_out_of_bounds_are_refused(value: Any) -> None:
    assert [each.pointer for each in bounds.check_spec(value)] == ["/spec"]
    assert [each.pointer for each in bounds.check_meta(value)] == ["/meta"]


def test_equal_specs_have_equal_digests_whatever_the_order_of_their_members() -> None:
    assert digest({"a": 1, "b": {"c": 2, "d": 3}}) == digest({"b": {"d": 3, "c": 2}, "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest({}).startswith("sha256:")
