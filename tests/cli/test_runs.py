"""`triform runs`, `logs` and `wallet`: what they ask for and how they show it."""

import json
from typing import Any

import pytest

from tests.cli.conftest import Triform
from tests.cli.double import Platform, Told, problem

FIRST = "01932d0a-7c3e-7aaa-8bbb-000000000001"
SECOND = "01932d0a-7c3e-7aaa-8bbb-000000000002"


def run(run_id: str = FIRST, **members: Any) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "circle": "acme",
        "element": "greet",
        "element_version": 3,
        "env": "draft",
        "operation": "invoke",
        "status": "completed",
        "input": {"name": "Ada"},
        "output": {"message": "Hello, Ada!"},
        "error": None,
        "attempts": [{}],
        "logs": {
            "lines": [{"seq": 1, "stream": "stdout", "text": "greeting Ada"}],
            "total": 1,
            "dropped": 0,
            "complete": True,
        },
        "usage": {"queue_ms": 0.2, "cold_start_ms": 31.0, "cpu_ms": 1.5, "memory_peak_mb": 2.1},
        "isolation": "process",
        "cost_micro_au": 10_000,
        "created_at": "2026-01-31T12:00:00.000000Z",
        "duration_ms": 1.9,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        **members,
    }


@pytest.fixture
def ran(signed_in: Platform) -> Platform:
    signed_in.tell("GET", "/api/acme/ops/runs", Told({"runs": [run(SECOND), run()], "next": None}))
    signed_in.tell("GET", f"/api/acme/greet/ops/runs/{FIRST}", Told(run()))
    return signed_in


def test_runs_lists_the_circle_by_default(ran: Platform, triform: Triform) -> None:
    ended = triform("runs")
    assert ended.code == 0
    assert SECOND in ended.out
    assert FIRST in ended.out
    assert "0.01 AU" in ended.out


def test_runs_of_one_element_are_filtered_by_the_server(signed_in: Platform, triform: Triform) -> None:
    signed_in.tell("GET", "/api/acme/greet/ops/runs", Told({"runs": []}))
    ended = triform("runs", "greet", "--status", "failed", "-q", "RUBY", "--limit", "5")
    assert (ended.code, ended.out) == (0, "no runs\n")
    assert signed_in.asked[-1].query == {"status": "failed", "q": "RUBY", "limit": "5"}


def test_a_run_is_shown_with_what_it_printed_and_cost(ran: Platform, triform: Triform) -> None:
    ended = triform("runs", "show", FIRST)
    assert ended.code == 0
    for expected in ("completed", "greeting Ada", "0.01 AU", "cold start 31.0 ms", "Hello, Ada!", "process"):
        assert expected in ended.out


def test_a_run_that_failed_is_shown_with_its_error_and_ends_with_1(ran: Platform, triform: Triform) -> None:
    failed = run(status="failed", output=None, error=problem("RUBY_TIMEOUT", 504, title="Too slow."))
    ran.tell("GET", f"/api/acme/greet/ops/runs/{FIRST}", Told(failed))
    ended = triform("runs", "show", FIRST)
    assert ended.code == 1
    assert "RUBY_TIMEOUT: Too slow." in ended.err


def test_an_ambiguous_beginning_of_an_id_asks_for_more(ran: Platform, triform: Triform) -> None:
    ended = triform("runs", "show", "01932d0a")
    assert ended.code == 1
    assert "2 runs begin with 01932d0a" in ended.err


def test_an_unknown_run_is_said_to_be_unknown(ran: Platform, triform: Triform) -> None:
    assert triform("runs", "show", "ffff").code == 1


def test_a_run_is_cancelled_at_its_element(ran: Platform, triform: Triform) -> None:
    path = f"/api/acme/greet/ops/runs/{FIRST}/cancel"
    ran.tell("POST", path, Told(run(status="cancelled")))
    ended = triform("runs", "cancel", FIRST)
    assert ended.out == f"run {FIRST} is cancelled\n"
    assert len(ran.to(path)) == 1


LINES = [
    {"run_id": FIRST, "seq": 1, "at": "2026-01-31T12:00:00.000000Z", "stream": "stdout", "text": "one\ttab"},
    {"run_id": FIRST, "seq": 2, "at": "2026-01-31T12:00:00.000000Z", "stream": "stderr", "text": "two \x1b[31m"},
]


def test_logs_reach_a_pipe_as_bare_text(signed_in: Platform, triform: Triform) -> None:
    signed_in.tell("GET", "/api/acme/greet/ops/logs", Told({"lines": LINES, "complete": True}))
    assert triform("logs", "greet").out == "one\ttab\ntwo \x1b[31m\n"


def test_missing_log_lines_are_admitted(signed_in: Platform, triform: Triform) -> None:
    signed_in.tell("GET", "/api/acme/greet/ops/logs", Told({"lines": [], "complete": False}))
    assert "some lines are missing" in triform("logs", "greet").err


def test_logs_of_one_run_come_from_that_run(ran: Platform, triform: Triform) -> None:
    assert triform("logs", "greet", "--run", FIRST).out == "greeting Ada\n"


def test_the_wallet_shows_balance_and_holds(signed_in: Platform, triform: Triform) -> None:
    wallet = {"balance_micro_au": 99_990_000, "held_micro_au": 10_000}
    signed_in.tell("GET", "/api/acme/ops/wallet", Told(wallet))
    assert "99.99 AU" in triform("wallet").out
    assert json.loads(triform("wallet", "--json").out) == wallet


def test_entries_show_debits_as_negative(signed_in: Platform, triform: Triform) -> None:
    entry = {
        "run_id": FIRST,
        "dimension": "per_invocation",
        "amount_micro_au": -10_000,
        "balance_after_micro_au": 99_990_000,
        "at": "2026-01-31T12:00:00.000000Z",
    }
    signed_in.tell("GET", "/api/acme/ops/wallet/entries", Told({"entries": [entry]}))
    assert "-0.01 AU" in triform("wallet", "entries").out


@pytest.mark.parametrize(("amount", "micro"), [("25", 25_000_000), ("0.5", 500_000), ("0.000001", 1)])
def test_a_top_up_is_exact(signed_in: Platform, triform: Triform, amount: str, micro: int) -> None:
    signed_in.tell("POST", "/api/acme/ops/wallet/top_up", Told({"balance_micro_au": micro, "held_micro_au": 0}))
    assert triform("wallet", "top-up", amount, "--reference", "invoice 7").code == 0
    assert signed_in.asked[-1].body == {"amount_micro_au": micro, "reference": "invoice 7"}


@pytest.mark.parametrize("amount", ["much", "0", "0.0000001", "NaN", "Infinity"])
def test_an_amount_that_is_none_is_wrong_usage(signed_in: Platform, triform: Triform, amount: str) -> None:
    assert triform("wallet", "top-up", amount, "--reference", "x").code == 2
    assert signed_in.asked == []
