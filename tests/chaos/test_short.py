"""The short version of `bin/chaos`: one round per fault, and the checks themselves tried on lies."""

from pathlib import Path
from typing import Any

import pytest

from chaos.__main__ import torment
from chaos.load import Answered
from chaos.promises import broken

FAULTS = ("kill -9 of the server", "kill -9 of Postgres", "kill -9 of a template")


@pytest.mark.parametrize("fault", FAULTS)
async def test_promises_hold_through(fault: str, tmp_path: Path) -> None:
    report = await torment(1.0, seed=7, folder=tmp_path, names=[fault])
    assert report.violations == []
    assert report.faults == {fault: 1}
    assert report.answered > 0


def run(**changes: Any) -> dict[str, Any]:
    return {"status": "completed", "output": {"id": "a"}, **changes}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (Answered("r", "a", 200, {"id": "a"}), None),
        (Answered("r", "a", 200, {"id": "a"}), run(status="failed", output=None)),
        (Answered("r", "a", 500, None), run()),
        (Answered("r", "a", 202, None), run(output={"id": "b"})),
    ],
)
def test_a_broken_promise_is_seen(answer: Answered, found: Any) -> None:
    assert broken(answer, found)


def test_a_kept_promise_is_none() -> None:
    assert broken(Answered("r", "a", 200, {"id": "a"}), run()) == []
    assert broken(Answered("r", "a", 500, None), run(status="failed", output=None)) == []
    assert broken(Answered("r", "a", 202, None), run(status="pending", output=None)) == []
