import pytest

from triform.circles.names import circle_name, identity_name
from triform.errors import InvalidInput


@pytest.mark.parametrize("name", ["acme", "abc", "a-1", "a" * 32])
def test_a_circle_name_is_3_to_32_of_the_slug_alphabet(name: str) -> None:
    assert circle_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "", "ab", "a" * 33, "Acme", "1acme", "-acme", "ac me", "acme\n", "acme/x", "..", "acme%2f", "acme.",
        "\u0430cme", "acm\u00e9", "acme\u200b", "\uff21CME", "acme\x00", None, 7, ["acme"], {"acme": 1}, True,
    ],
)  # fmt: skip
def test_every_other_circle_name_is_refused_with_a_pointer_and_an_example_that_works(name: object) -> None:
    with pytest.raises(InvalidInput) as refusal:
        circle_name(name)
    assert refusal.value.errors[0].pointer == "/circle_name"
    assert refusal.value.suggestion is not None
    assert circle_name(refusal.value.suggestion.example)


@pytest.mark.parametrize("name", ["auth", "git", "api", "mcp", "ops", "events"])
def test_names_that_are_addresses_of_the_platform_are_reserved(name: str) -> None:
    with pytest.raises(InvalidInput, match="reserved"):
        circle_name(name)


def test_an_identity_may_be_a_name_or_an_e_mail_address_in_any_case() -> None:
    assert identity_name("Ada.Lovelace+x@Example.ORG") == "ada.lovelace+x@example.org"
    assert identity_name("7of9") == "7of9"


@pytest.mark.parametrize("name", ["", "ada ", "ada\n", "\u212aelvin", "ıda", "ſam", "a" * 121, ".ada", None, 3])
def test_an_identity_that_only_looks_like_another_is_refused(name: object) -> None:
    with pytest.raises(InvalidInput):
        identity_name(name)
