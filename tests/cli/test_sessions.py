"""Signing in, keeping the session safe, refreshing it, and what happens without one."""

import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import TOKEN, Triform
from tests.cli.double import Asked, Platform, Told, problem
from triform.cli.client import Client
from triform.cli.outcome import NotSignedIn
from triform.cli.sessions import Session, stored_sessions

SIGNED_IN = {"token": "t1-hush", "refresh_token": "r1-hush", "expires_in": 3600, "circle": {"slug": "acme"}}
WALLET = {"balance_micro_au": 100_000_000, "held_micro_au": 0}


def test_a_dev_sign_in_is_kept_for_the_next_commands(platform: Platform, triform: Triform, config: Path) -> None:
    platform.tell("POST", "/api/auth/dev", Told(SIGNED_IN))
    platform.tell("GET", "/api/acme/ops/wallet", Told(WALLET))
    ended = triform("login", "--url", platform.url, "--circle", "acme")
    assert ended.code == 0
    assert platform.to("/api/auth/dev")[0].body == {"circle_name": "acme"}
    assert triform("wallet").code == 0
    assert platform.asked[-1].headers["Authorization"] == "Bearer t1-hush"


def test_the_session_file_is_for_the_user_alone(platform: Platform, triform: Triform, config: Path) -> None:
    platform.tell("POST", "/api/auth/dev", Told(SIGNED_IN))
    triform("login", "--url", platform.url, "--circle", "acme")
    file = config / "triform" / "sessions.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_no_secret_is_ever_printed(platform: Platform, triform: Triform, more: tuple[str, ...]) -> None:
    platform.tell("POST", "/api/auth/dev", Told(SIGNED_IN))
    ended = triform("login", "--url", platform.url, "--circle", "acme", *more)
    assert "hush" not in ended.out + ended.err
    assert "hush" not in repr(stored_sessions().find())


def test_a_password_comes_from_stdin(platform: Platform, triform: Triform) -> None:
    platform.tell("POST", "/api/auth/login", Told(SIGNED_IN))
    ended = triform("login", "--url", platform.url, "--user", "ada", stdin="hunter22\n")
    assert ended.code == 0
    assert platform.to("/api/auth/login")[0].body["password"] == "hunter22"


def test_an_api_key_comes_from_stdin_and_is_never_refreshed(platform: Platform, triform: Triform) -> None:
    platform.tell("GET", "/api/acme/ops/wallet", Told(WALLET))
    triform("login", "--url", platform.url, "--circle", "acme", "--key", stdin="trif_key\n")
    assert triform("wallet").code == 0
    assert platform.asked[-1].headers["Authorization"] == "Bearer trif_key"


def test_a_server_without_dev_sign_in_says_what_to_do(platform: Platform, triform: Triform) -> None:
    ended = triform("login", "--url", platform.url, "--circle", "acme")
    assert ended.code == 1
    assert "FIX: triform login --user" in ended.err


def test_without_a_session_the_code_is_3_and_the_fix_is_login(triform: Triform) -> None:
    ended = triform("wallet")
    assert ended.code == 3
    assert "FIX: triform login --circle NAME" in ended.err


def test_a_session_the_server_refuses_is_code_3(signed_in: Platform, triform: Triform) -> None:
    signed_in.tell("GET", "/api/acme/ops/wallet", Told(problem("UNAUTHENTICATED", 401), 401))
    assert triform("wallet").code == 3


def test_a_refusal_is_code_1(signed_in: Platform, triform: Triform) -> None:
    signed_in.tell("GET", "/api/acme/ops/wallet", Told(problem("FORBIDDEN", 403), 403))
    assert triform("wallet").code == 1


def test_nothing_listening_is_code_4_and_says_how_to_start(triform: Triform) -> None:
    stored_sessions().save(Session("http://127.0.0.1:1", "acme", TOKEN))
    ended = triform("wallet")
    assert ended.code == 4
    assert "FIX: start one (triform up)" in ended.err
    assert "Traceback" not in ended.err


def test_a_server_of_another_kind_is_code_4(signed_in: Platform, triform: Triform) -> None:
    signed_in.tell("GET", "/api/acme/ops/wallet", Told("<html>teapot</html>", 418))
    assert triform("wallet").code == 4


def test_the_token_of_the_environment_wins(
    signed_in: Platform, triform: Triform, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in.tell("GET", "/api/other/ops/wallet", Told(WALLET))
    monkeypatch.setenv("TRIFORM_TOKEN", "from-environment")
    monkeypatch.setenv("TRIFORM_CIRCLE", "other")
    assert triform("wallet").code == 0
    assert signed_in.asked[-1].headers["Authorization"] == "Bearer from-environment"


def test_the_circle_chooses_among_stored_sessions(signed_in: Platform, triform: Triform) -> None:
    stored_sessions().save(Session(signed_in.url, "second", "token-of-second"))
    signed_in.tell("GET", "/api/acme/ops/wallet", Told(WALLET))
    assert triform("--circle", "acme", "wallet").code == 0
    assert signed_in.asked[-1].headers["Authorization"] == f"Bearer {TOKEN}"


def _expired(platform: Platform) -> Session:
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    session = Session(platform.url, "acme", "old", refresh_token="r0", expires_at=past)
    stored_sessions().save(session)
    return session


def _wallet(client: Client) -> None:
    with client:
        client.get("/api/acme/ops/wallet")


def test_two_commands_refresh_an_expired_session_only_once(platform: Platform) -> None:
    def refresh(asked: Asked) -> Told:
        assert asked.body == {"refresh_token": "r0"}
        return Told({"token": "new", "refresh_token": "r1", "expires_in": 3600})

    platform.tell("POST", "/api/auth/refresh", refresh)
    platform.tell("GET", "/api/acme/ops/wallet", Told(WALLET))
    session = _expired(platform)
    clients = [Client(platform.url, session, stored_sessions()) for _ in range(2)]
    threads = [threading.Thread(target=_wallet, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(platform.to("/api/auth/refresh")) == 1
    assert {asked.headers["Authorization"] for asked in platform.to("/api/acme/ops/wallet")} == {"Bearer new"}


def test_a_refreshed_session_stays_where_it_was(platform: Platform) -> None:
    platform.tell("POST", "/api/auth/refresh", Told({"token": "new", "refresh_token": "r1", "expires_in": 3600}))
    platform.tell("GET", "/api/acme/ops/wallet", Told(WALLET))
    session = _expired(platform)
    stored_sessions().save(Session("https://triform.example.com", "theirs", "precious"))
    _wallet(Client(platform.url, session, stored_sessions()))
    current, other = stored_sessions().find(), stored_sessions().find(platform.url)
    assert current is not None
    assert other is not None
    assert (current.circle, other.token, other.refresh_token) == ("theirs", "new", "r1")


def test_a_session_that_cannot_be_refreshed_asks_for_login(platform: Platform) -> None:
    platform.tell("POST", "/api/auth/refresh", Told(problem("UNAUTHENTICATED", 401), 401))
    with pytest.raises(NotSignedIn):
        _wallet(Client(platform.url, _expired(platform), stored_sessions()))


def test_a_broken_session_file_is_named(triform: Triform, config: Path) -> None:
    (config / "triform").mkdir(parents=True)
    (config / "triform" / "sessions.json").write_text("{")
    ended = triform("wallet")
    assert ended.code == 1
    assert "sessions.json" in ended.err
