"""Boxes open for their owner and their key alone; digests tell nothing without the key."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triform.circles.keyring import Keyring
from triform.elements.vault import Sealed, SecretUnreadable, Vault
from triform.testing.secrets import known_key

CIRCLE, OTHER = UUID(int=1), UUID(int=2)
VAULT = Vault(known_key)


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_a_box_opens_for_its_owner(value: bytes, owner: bytes) -> None:
    assert VAULT.open(VAULT.seal(value, owner), owner) == value


@given(st.binary(min_size=8, max_size=40), st.data())
def test_a_box_opens_for_nobody_else_and_not_when_it_was_touched(value: bytes, data: st.DataObject) -> None:
    box = VAULT.seal(value, b"owner")
    at = data.draw(st.integers(1, len(box) - 1))
    touched = box[:at] + bytes([box[at] ^ 1]) + box[at + 1 :]
    cut = box[: data.draw(st.integers(0, len(box) - 1))]
    for other, owner in ((box, b"another"), (touched, b"owner"), (cut, b"owner")):
        with pytest.raises(SecretUnreadable):
            VAULT.open(other, owner)


def test_another_installation_opens_nothing() -> None:
    mine, theirs = (Keyring(signing=b"", master=bytes([n]) * 32) for n in (1, 2))
    with pytest.raises(SecretUnreadable):
        Vault(theirs.derive).open(Vault(mine.derive).seal(b"long enough", b""), b"")


def test_two_boxes_of_one_value_have_nothing_in_common() -> None:
    boxes = [VAULT.seal(b"one and the same", b"") for _ in range(2)]
    assert boxes[0] != boxes[1]
    assert b"same" not in boxes[0]


def test_a_digest_depends_on_circle_name_value_and_key() -> None:
    digests = {
        VAULT.digest(CIRCLE, "A", "long enough"),
        VAULT.digest(OTHER, "A", "long enough"),
        VAULT.digest(CIRCLE, "B", "long enough"),
        VAULT.digest(CIRCLE, "A", "long enough!"),
        Vault(lambda purpose: bytes(32)).digest(CIRCLE, "A", "long enough"),
    }
    assert len(digests) == 5
    assert VAULT.digest(CIRCLE, "A", "long enough") in digests


def test_each_purpose_has_a_key_of_its_own() -> None:
    keyring = Keyring(signing=b"", master=bytes(32))
    assert keyring.derive("one") == keyring.derive("one")
    assert len({keyring.derive("one"), keyring.derive("two"), keyring.master}) == 3


def test_what_holds_a_box_does_not_print_it() -> None:
    assert "box" not in repr(Sealed("hmac-sha256:00", b"box"))
