import re

from hypothesis import given
from hypothesis import strategies as st

from triform.circles.opaque import API_KEY, REFRESH_TOKEN, digest_of, mint


def test_a_key_is_recognisable_and_its_digest_is_all_that_need_be_stored() -> None:
    key = mint(API_KEY)
    assert re.fullmatch(r"trif_[0-9A-Za-z]{49}", key.text)
    assert digest_of(key.text, API_KEY) == key.digest
    assert len(key.digest) == 32


def test_a_secret_does_not_show_when_printed() -> None:
    key = mint(API_KEY)
    assert key.text not in repr(key)


def test_no_two_keys_are_alike() -> None:
    assert len({mint(API_KEY).text for _ in range(200)}) == 200


@given(st.integers(5, 53), st.sampled_from("0aZ_-é\u212a"))
def test_a_typo_is_told_apart_without_asking_the_store(position: int, char: str) -> None:
    text = mint(API_KEY).text
    typo = text[:position] + char + text[position + 1 :]
    assert typo == text or digest_of(typo, API_KEY) is None


def test_one_kind_of_secret_is_not_taken_for_another() -> None:
    assert digest_of(mint(REFRESH_TOKEN).text, API_KEY) is None
    assert digest_of("", API_KEY) is None
    assert digest_of(mint(API_KEY).text + "\n", API_KEY) is None
