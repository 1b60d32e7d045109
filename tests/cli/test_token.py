"""`triform token`: keys are made, listed and ended; the secret is seen once."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Triform
from tests.cli.double import Platform, Told

SECRET = "trif_2K4fmozhnBWthRiAOkTE0XYP09MwDUouY31mfVGGRcL4gKvaN"
ID = "01932d0a-7c3e-7aaa-8bbb-00000000000a"
OTHER = "01932d0a-7c3e-7bbb-8bbb-00000000000b"


def key(token_id: str = ID, **members: Any) -> dict[str, Any]:
    return {
        "token_id": token_id,
        "name": "ci",
        "role": "operator",
        "scopes": [],
        "created_by": "ada",
        "created_at": "2026-01-31T12:00:00.000000Z",
        "expires_at": None,
        **members,
    }


@pytest.fixture
def keyed(signed_in: Platform) -> Platform:
    signed_in.tell("GET", "/api/acme/ops/tokens", Told({"tokens": [key(), key(OTHER, name="nightly")]}))
    signed_in.tell("POST", "/api/acme/ops/tokens/create", Told(key(token=SECRET), 201))
    signed_in.tell("POST", "/api/acme/ops/tokens/revoke", Told(key(revoked_at="2026-02-01T12:00:00.000000Z")))
    return signed_in


def test_the_key_alone_is_on_stdout(keyed: Platform, triform: Triform) -> None:
    ended = triform("token", "create", "ci", "--role", "operator")
    assert (ended.code, ended.out) == (0, SECRET + "\n")
    assert "not shown again" in ended.err
    assert SECRET not in ended.err
    assert keyed.asked[-1].body == {"name": "ci", "role": "operator"}


def test_a_key_can_be_narrowed_and_end(keyed: Platform, triform: Triform) -> None:
    triform("token", "create", "ci", "--role", "operator", "--scope", "invoke", "--scope", "runs", "--days", "30")
    body = keyed.asked[-1].body
    assert body["scopes"] == ["invoke", "runs"]
    ends = datetime.fromisoformat(body["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29) < ends <= timedelta(days=30)


def test_json_has_the_key_once_too(keyed: Platform, triform: Triform) -> None:
    ended = triform("token", "create", "ci", "--role", "operator", "--json")
    assert json.loads(ended.out)["token"] == SECRET
    assert ended.err == ""


def test_a_new_key_is_not_kept_anywhere(keyed: Platform, triform: Triform, config: Path) -> None:
    triform("token", "create", "ci", "--role", "operator")
    assert [path for path in config.rglob("*") if path.is_file() and SECRET in path.read_text()] == []


def test_it_can_be_handed_to_login_without_being_typed(keyed: Platform, triform: Triform, config: Path) -> None:
    made = triform("token", "create", "ci", "--role", "operator").out
    assert triform("login", "--url", keyed.url, "--circle", "acme", "--key", stdin=made).code == 0
    triform("token")
    assert keyed.asked[-1].headers["Authorization"] == f"Bearer {SECRET}"


def test_keys_are_listed_with_what_they_may_do(keyed: Platform, triform: Triform) -> None:
    ended = triform("token")
    assert ended.code == 0
    for expected in (ID, OTHER, "nightly", "operator", "all", "never", "ada"):
        assert expected in ended.out
    assert [each["token_id"] for each in json.loads(triform("token", "list", "--json").out)["tokens"]] == [
        ID,
        OTHER,
    ]


@pytest.mark.parametrize("wanted", [ID, ID[:18], "ci"])
def test_a_key_is_ended_by_id_its_beginning_or_name(keyed: Platform, triform: Triform, wanted: str) -> None:
    ended = triform("token", "revoke", wanted)
    assert (ended.code, ended.out) == (0, f"ci ({ID}) is revoked\n")
    assert keyed.asked[-1].body == {"token_id": ID}


def test_a_slip_of_the_finger_ends_no_key(keyed: Platform, triform: Triform) -> None:
    keyed.tell("GET", "/api/acme/ops/tokens", Told({"tokens": [key()]}))
    assert triform("token", "revoke", ID[:7]).code == 1
    assert triform("token", "revoke", ID[:8]).code == 0


@pytest.mark.parametrize("wanted", ["0", "01932d0", "01932d0a-7c3e", "c", "", SECRET])
def test_what_does_not_name_one_key_ends_none(keyed: Platform, triform: Triform, wanted: str) -> None:
    ended = triform("token", "revoke", wanted)
    assert ended.code == 1
    assert "FIX: " in ended.err
    assert SECRET not in ended.out + ended.err
    assert keyed.to("/api/acme/ops/tokens/revoke") == []
