"""`triform runs replay`, `runs replay-many` and `diff`: what they ask for, show, and end with."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Triform
from tests.cli.double import Platform, Told, problem
from tests.cli.test_runs import FIRST, SECOND, run

OPS = "/api/acme/greet/ops"
REPLAY = f"{OPS}/runs/{FIRST}/replay"
MANY = f"{OPS}/runs/replay"
DIFF = f"{OPS}/runs/{SECOND}/diff"


def again(**members: Any) -> dict[str, Any]:
    return run(SECOND, replay_of=FIRST, batch=None, trigger="replay", **members)


@pytest.fixture
def ran(signed_in: Platform) -> Platform:
    recorded = run(input={"name": "Ada", "items": [{"n": 1}], "a~b": 1})
    signed_in.tell("GET", f"{OPS}/runs", Told({"runs": [run(SECOND), recorded], "next": None}))
    signed_in.tell("GET", f"{OPS}/runs/{FIRST}", Told(recorded))
    signed_in.tell("POST", REPLAY, Told(again(), 201))
    return signed_in


def test_a_replay_is_shown_with_what_it_repeats_and_how_to_compare(ran: Platform, triform: Triform) -> None:
    ended = triform("runs", "replay", "greet", FIRST)
    assert (ended.code, ran.asked[-1].body) == (0, {})
    for expected in ("completed", SECOND, FIRST, "Hello, Ada!"):
        assert expected in ended.out
    assert f"triform diff greet {SECOND}" in ended.err


def test_a_replay_as_json_is_the_run_alone(ran: Platform, triform: Triform) -> None:
    ended = triform("runs", "replay", "greet", FIRST, "--version", "2", "--json")
    assert (json.loads(ended.out)["run_id"], ended.err) == (SECOND, "")
    assert ran.asked[-1].body == {"version": 2}


def test_set_patches_the_recorded_input(ran: Platform, triform: Triform) -> None:
    sets = ["name=Grace", "items/0:={}", "items/0/n:=2", "a~b:=null", "new/deep=x"]
    options = [word for each in sets for word in ("--set", each)]
    assert triform("runs", "replay", "greet", FIRST, *options).code == 0
    assert ran.asked[-1].body["input_patch"] == [
        {"op": "add", "path": "/name", "value": "Grace"},
        {"op": "replace", "path": "/items/0", "value": {}},
        {"op": "add", "path": "/items/0/n", "value": 2},
        {"op": "add", "path": "/a~0b", "value": None},
        {"op": "add", "path": "/new/deep", "value": "x"},
    ]


def test_another_input_comes_from_a_file(ran: Platform, triform: Triform, tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_text("[1]")
    assert triform("runs", "replay", "greet", FIRST, "--input", str(file)).code == 0
    assert ran.asked[-1].body == {"input": [1]}
    assert triform("runs", "replay", "greet", FIRST, "--input", str(file), "--set", "a=b").code == 2


def test_a_replay_that_fails_ends_with_1_and_its_error(ran: Platform, triform: Triform) -> None:
    failed = again(status="failed", output=None, error=problem("RUBY_TIMEOUT", 504, title="Too slow."))
    ran.tell("POST", REPLAY, Told(failed, 201))
    ended = triform("runs", "replay", "greet", FIRST)
    assert ended.code == 1
    assert "RUBY_TIMEOUT: Too slow." in ended.err


def test_an_asynchronous_replay_prints_its_id(ran: Platform, triform: Triform) -> None:
    ran.tell("POST", REPLAY, Told(again(status="pending"), 202))
    ended = triform("runs", "replay", "greet", FIRST, "--async", "--idempotency-key", "k")
    assert (ended.code, ended.out) == (0, f"{SECOND}\n")
    headers = ran.asked[-1].headers
    assert (headers["Prefer"], headers["Idempotency-Key"]) == ("respond-async", "k")


def test_a_refused_replay_ends_with_1_and_how_to_mend_it(ran: Platform, triform: Triform) -> None:
    refused = problem("RUN_NOT_REPLAYABLE", 409, title="No.", _suggestion={"why": "w", "fix": "Send the input."})
    ran.tell("POST", REPLAY, Told(refused, 409))
    ended = triform("runs", "replay", "greet", FIRST)
    assert ended.code == 1
    assert "Send the input." in ended.err


def test_a_run_of_another_element_is_not_found(ran: Platform, triform: Triform) -> None:
    ended = triform("runs", "replay", "greet", "ffff")
    assert ended.code == 1
    assert "no run ffff of greet" in ended.err


def batch(**members: Any) -> dict[str, Any]:
    return {
        "dry_run": True, "batch": None, "version": 3, "env": "draft", "count": 2, "more": True,
        "refused": [{"run_id": FIRST, "code": "RUN_UNFINISHED", "message": "It goes on."}],
        "cost": {"most_micro_au": 20_000, "expected_micro_au": 20_000, "free_micro_au": 10**8, "affordable": True},
        "runs": [{"replay_of": FIRST, "run_id": None}, {"replay_of": SECOND, "run_id": None}],
        "canary": None, "stopped": False, **members,
    }  # fmt: skip


def test_many_are_only_counted_unless_told_to_start(ran: Platform, triform: Triform) -> None:
    ran.tell("POST", MANY, Told(batch()))
    ended = triform("runs", "replay-many", "greet", "--status", "failed", "--limit", "2", "--version", "3")
    assert ended.code == 0
    assert ran.asked[-1].body == {
        "filter": {"status": "failed", "limit": 2}, "dry_run": True, "canary": 0, "per_second": 10, "version": 3,
    }  # fmt: skip
    for expected in ("more match", "0.02 AU", "100 AU", "nothing; --start does it"):
        assert expected in ended.out
    assert f"left out: {FIRST} RUN_UNFINISHED: It goes on." in ended.err


def test_a_canary_that_differs_ends_with_5_and_names_what_to_compare(ran: Platform, triform: Triform) -> None:
    pair = {"replay_of": FIRST, "run_id": SECOND}
    canary = {"runs": 1, "same": False, "differing": [pair], "unfinished": []}
    told = batch(dry_run=False, batch=FIRST, canary=canary, stopped=True, runs=[pair])
    ran.tell("POST", MANY, Told(told))
    ended = triform("runs", "replay-many", "greet", "--start", "--canary", "1")
    assert (ended.code, ran.asked[-1].body["dry_run"]) == (5, False)
    assert "not as before" in ended.out
    assert f"triform diff greet {SECOND}" in ended.err
    assert triform("runs", "replay-many", "greet", "--start", "--json").code == 5


def change(before: float, after: float) -> dict[str, float]:
    return {"before": before, "after": after, "change": after - before}


def difference(**members: Any) -> dict[str, Any]:
    head = {"status": "completed", "element_version": 3, "env": "draft"}
    nothing = {"same": True, "patch": [], "complete": True}
    return {
        "before": {**head, "run_id": FIRST}, "after": {**head, "run_id": SECOND, "element_version": 4},
        "same": True, "input": nothing, "output": nothing,
        "error": {"same": True, "before": None, "after": None},
        "usage": {"duration_ms": change(1.5, 2.5), "queue_ms": change(0, 0)},
        "cost_micro_au": change(10_000, 20_000),
        **members,
    }  # fmt: skip


def test_runs_that_came_to_the_same_end_with_0(ran: Platform, triform: Triform) -> None:
    ran.tell("GET", DIFF, Told(difference()))
    ended = triform("diff", "greet", SECOND)
    assert (ended.code, ran.asked[-1].query) == (0, {})
    for expected in ("both came to the same", "4 (draft)", "2.5 ms", "0.02 AU"):
        assert expected in ended.out


def test_what_differs_is_shown_and_ends_with_5(ran: Platform, triform: Triform) -> None:
    steps = [
        {"op": "replace", "path": "/a", "value": 2, "before": 1},
        {"op": "add", "path": "/b/0", "value": "\x1b"},
        {"op": "remove", "path": "/c", "before": None},
    ]
    ran.tell("GET", DIFF, Told(difference(
        same=False, output={"same": False, "patch": steps, "complete": False},
        error={"same": False, "before": None, "after": {"code": "RUBY_TIMEOUT", "message": "slow"}},
        logs={"same": False, "diff": ["--- before", "+++ after", "-stdout: one"]},
    )))  # fmt: skip
    ended = triform("diff", "greet", SECOND, FIRST, "--logs")
    assert (ended.code, ran.asked[-1].query) == (5, {"with": FIRST, "logs": "true"})
    lines = ["- output/a  1", "+ output/a  2", '+ output/b/0  "\\u001b"', "- output/c  null",
             "… output: there is more than is shown", "+ error  RUBY_TIMEOUT: slow", "-stdout: one"]  # fmt: skip
    assert [line for line in lines if line not in ended.out.splitlines()] == []


def test_a_difference_as_json_is_the_answer(ran: Platform, triform: Triform) -> None:
    ran.tell("GET", DIFF, Told(difference(same=False)))
    ended = triform("--json", "diff", "greet", SECOND)
    assert (ended.code, json.loads(ended.out)["same"]) == (5, False)
