"""Addresses and slugs: nothing is smuggled in."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triform.elements.paths import RESERVED_SLUGS, Address, check_slug, is_slug, parse
from triform.errors import NotFound

SLUGS = st.from_regex(re.compile(r"[a-z][a-z0-9-]{0,62}", re.ASCII), fullmatch=True)


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ("acme", Address("acme")),
        ("acme/", Address("acme")),
        ("acme/greet", Address("acme", "greet")),
        ("acme/greet/ops/invoke", Address("acme", "greet", "invoke")),
        ("acme/greet/ops/remove-modifier", Address("acme", "greet", "remove-modifier")),
        ("acme/ops/wallet/top_up", Address("acme", None, "wallet/top_up")),
        (
            "acme/greet/ops/runs/0198c0de-0000-7000-8000-000000000000/cancel",
            Address("acme", "greet", "runs/0198c0de-0000-7000-8000-000000000000/cancel"),
        ),
        ("ops/greet", Address("ops", "greet")),
        ("acme/shop/", Address("acme", "shop")),
        ("acme/shop/greet", Address("acme", "greet", None, ("shop",))),
        ("acme/a/b/greet/ops/runs", Address("acme", "greet", "runs", ("a", "b"))),
        (f"acme/{'/'.join('abcdefghijk')}", Address("acme", "k", None, tuple("abcdefghij"))),
    ],
)
def test_an_address_is_read_from_a_path(raw: str, address: Address) -> None:
    assert parse(raw) == address


@pytest.mark.parametrize(
    "raw",
    [
        "", "/", "//", "/acme", "acme//", "acme//greet", "acme/greet//", "acme/greet//ops/invoke", "acme//ops/get",
        "acme/ops", "acme/ops/", "acme/events", "acme/mcp", "acme/mcp/ops/get", "acme/greet/ops",
        "acme/greet/ops/",
        "acme/a//greet", "acme/shop/events", "acme/mcp/greet", "acme/shop//ops/get", "acme/greet/ops/a//b",
        f"acme/{'/'.join('abcdefghijkl')}",
        "Acme/greet", "acme/Greet", "acme/greet%20", "acme/gr%65et", "acme%2Fgreet", "acme/greet\n",
        "acme/greet\0",
        "acme/greet/ops/inv%6Fke", "acme/greet/ops/../get", "acme/../other", "acme/./greet", "acme/ｇreet",
        "acme/greet/ops/invoke\n", "acme/greet/ops/.", "acme/greet?x", "acme/greet;x", "acme\\greet",
        "acme/gre\u0301et", "acme/\u212aelvin", f"acme/{'a' * 64}", f"acme/greet/ops/{'a/' * 600}a",
    ],
)  # fmt: skip
def test_what_is_not_an_address_is_not_found(raw: str) -> None:
    with pytest.raises(NotFound):
        parse(raw)


@given(SLUGS, SLUGS)
def test_every_well_spelled_place_is_read_back_as_written(circle: str, slug: str) -> None:
    if slug in RESERVED_SLUGS:
        return
    assert parse(f"{circle}/{slug}") == Address(circle, slug)
    assert parse(f"{circle}/{slug}/ops/get") == Address(circle, slug, "get")


@given(st.text(max_size=80) | st.text(alphabet="ab-/%.\n\0Aé", max_size=12))
def test_whatever_is_read_consists_of_slugs_and_plain_segments(raw: str) -> None:
    try:
        address = parse(raw)
    except NotFound:
        return
    assert is_slug(address.circle)
    assert address.slug is None or check_slug(address.slug) is None
    assert not any(map(check_slug, address.through))
    plain = set(string.ascii_letters + string.digits + "_-/")
    assert address.operation is None or (address.operation and set(address.operation) <= plain)
    rebuilt = "/".join(
        [address.circle, *address.through, *([address.slug] if address.slug else [])]
        + (["ops", address.operation] if address.operation else [])
    )
    assert raw.removesuffix("/") == rebuilt


@given(st.text(max_size=70))
def test_slugs_follow_the_rule_to_the_letter(text: str) -> None:
    allowed = set(string.ascii_lowercase + string.digits + "-")
    expected = 0 < len(text) <= 63 and text[0] in string.ascii_lowercase and set(text) <= allowed
    assert is_slug(text) == expected


@pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS))
def test_a_reserved_slug_is_refused_with_its_reason(slug: str) -> None:
    complaint = check_slug(slug)
    assert complaint is not None
    assert "reserved" in complaint.message


@pytest.mark.parametrize("value", [None, 5, True, ["a"], {"a": 1}, b"a"])
def test_what_is_no_text_is_no_slug(value: object) -> None:
    assert check_slug(value) is not None
