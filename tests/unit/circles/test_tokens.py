import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import jwt
import pytest

from triform.circles.keyring import Keyring
from triform.circles.tokens import LIFETIME_S, AccessTokens
from triform.errors import Unauthenticated
from triform.ids import Ids

KEYS = Keyring(signing=b"s" * 32, master=b"m" * 32)
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass
class Stopped:
    """A clock that moves when told."""

    at: datetime = field(default=NOW)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


def tokens(clock: Stopped | None = None, keys: Keyring = KEYS) -> AccessTokens:
    return AccessTokens(keys, clock or Stopped(), Ids())


def test_a_token_names_one_credential_of_one_circle_for_one_hour() -> None:
    credential, circle = uuid4(), uuid4()
    claims = tokens().read(tokens().issue(credential, circle))
    assert (claims.credential_id, claims.circle_id) == (credential, circle)
    assert claims.expires_at == NOW.timestamp() + LIFETIME_S


def test_a_token_is_refused_from_the_second_it_expires_and_says_how_to_go_on() -> None:
    clock = Stopped()
    token = tokens().issue(uuid4(), uuid4())
    clock.at = NOW + timedelta(seconds=LIFETIME_S - 1)
    tokens(clock).read(token)
    clock.at = NOW + timedelta(seconds=LIFETIME_S)
    with pytest.raises(Unauthenticated, match="expired") as refusal:
        tokens(clock).read(token)
    assert refusal.value.suggestion is not None
    assert "/api/auth/refresh" in refusal.value.suggestion.fix


def claims(**changes: object) -> dict[str, object]:
    start = int(NOW.timestamp())
    good: dict[str, object] = {
        "iss": "triform", "aud": "triform-api", "iat": start, "exp": start + 60, "jti": str(uuid4()),
        "credential": str(uuid4()), "circle": str(uuid4()),
    }  # fmt: skip
    return {key: value for key, value in (good | changes).items() if value is not None}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(header: dict[str, object], signature: Callable[[str], str]) -> str:
    body = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims()).encode())
    return f"{body}.{signature(body)}"


def right_signature(body: str) -> str:
    return b64(jwt.get_algorithm_by_name("HS256").sign(body.encode(), KEYS.signing))


def test_the_hand_made_tokens_below_are_refused_for_their_header_alone() -> None:
    tokens().read(by_hand({"alg": "HS256", "typ": "JWT"}, right_signature))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"}, {"alg": "None"}, {"alg": "HS384"}, {"alg": "HS512"}, {"alg": "RS256"}, {"alg": "ES256"},
        {"alg": "hs256"}, {"alg": ""}, {"alg": None}, {"alg": ["HS256"]}, {"typ": "JWT"},
        {"alg": "none", "jwk": {"kty": "oct", "k": "c3M"}}, {"alg": "HS256", "crit": ["exp2"], "exp2": 1},
    ],
)  # fmt: skip
def test_the_algorithm_is_ours_to_choose_not_the_tokens(header: dict[str, object]) -> None:
    for signature in (right_signature, lambda _: ""):
        with pytest.raises(Unauthenticated):
            tokens().read(by_hand(header, signature))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_a_token_signed_with_the_right_key_by_another_algorithm_is_refused(algorithm: str) -> None:
    long_key = Keyring(signing=b"s" * 64, master=b"")
    with pytest.raises(Unauthenticated):
        tokens(keys=long_key).read(jwt.encode(claims(), long_key.signing, algorithm=algorithm))


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "other"}, {"aud": "other"}, {"aud": ["x"]}, {"exp": "soon"}, {"exp": int(NOW.timestamp()) - 1},
        {"credential": "x"}, {"credential": 7}, {"circle": ["x"]}, *({name: None} for name in claims()),
    ],
)  # fmt: skip
def test_every_claim_is_needed_and_checked(change: dict[str, object]) -> None:
    with pytest.raises(Unauthenticated):
        tokens().read(jwt.encode(claims(**change), KEYS.signing, algorithm="HS256"))


def test_a_token_of_another_installation_is_refused() -> None:
    foreign = tokens(keys=Keyring(signing=b"x" * 32, master=b"m" * 32))
    with pytest.raises(Unauthenticated):
        tokens().read(foreign.issue(uuid4(), uuid4()))


def test_changing_any_one_character_makes_a_token_invalid() -> None:
    token = tokens().issue(UUID(int=1), UUID(int=2))
    for position, char in enumerate(token):
        other = "B" if char != "B" else "C"
        with pytest.raises(Unauthenticated):
            tokens().read(token[:position] + other + token[position + 1 :])


def test_the_last_character_of_the_signature_cannot_be_changed_unnoticed() -> None:
    token = tokens().issue(UUID(int=1), UUID(int=2))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = []
    for last in alphabet:
        try:
            tokens().read(token[:-1] + last)
            accepted.append(last)
        except Unauthenticated:
            pass
    assert accepted == [token[-1]]


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "x" * 10_000, "a.b", "é.é.é", "null", "{}", "a b.c.d"])
def test_what_is_no_token_at_all_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens().read(text)
