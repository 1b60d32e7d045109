import pytest
from argon2 import PasswordHasher

from triform.circles.passwords import Passwords, password
from triform.errors import InvalidInput


def quick() -> Passwords:
    return Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


async def test_a_password_verifies_against_its_own_hash_only() -> None:
    passwords = quick()
    stored = await passwords.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert "correct horse" not in stored
    assert await passwords.verify(stored, "correct horse")
    assert not await passwords.verify(stored, "correct horse ")


async def test_nobody_and_no_password_cost_one_verification_and_are_always_wrong() -> None:
    verified: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            verified.append(str(hash))
            return super().verify(hash, password)

    passwords = Passwords(Counting(time_cost=1, memory_cost=64, parallelism=1))
    assert not await passwords.verify(None, "no password is this one")
    assert not await passwords.verify(await passwords.hash("x"), "y")
    assert len(verified) == 2


async def test_a_damaged_hash_and_a_lone_surrogate_are_wrong_not_an_accident() -> None:
    passwords = quick()
    assert not await passwords.verify("garbage", "x")
    assert not await passwords.verify(await passwords.hash("x"), "\ud800")


@pytest.mark.parametrize("value", ["short", "", None, 1234567890123, "x" * 1025, "é" * 513])
def test_a_short_or_endless_password_is_refused_without_being_repeated(value: object) -> None:
    with pytest.raises(InvalidInput) as refusal:
        password(value)
    assert refusal.value.errors[0].pointer == "/password"
    assert not value or str(value) not in refusal.value.message
