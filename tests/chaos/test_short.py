"""The short version of `bin/chaos`: one round per fault, and the checks themselves tried on lies."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chaos.__main__ import torment
from chaos.load import Answered
from chaos.promises import broken, given_up
from chaos.surroundings import Disk, SteeredClock, WallClock
from triform.clock import SystemClock

FAULTS = ("kill -9 of the server", "kill -9 of Postgres", "kill -9 of a template", "the clock goes ahead")


async def test_promises_hold_through_one_fault_after_the_other(tmp_path: Path) -> None:
    report = await torment(0.0, seed=7, folder=tmp_path, names=list(FAULTS))
    assert report.violations == []
    assert report.faults == dict.fromkeys(FAULTS, 1)
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


def ended(code: str | None, attempts: int = 1, trigger: str = "async") -> dict[str, Any]:
    return {"run_id": "r", "error": code and {"code": code}, "attempts": [{}] * attempts, "trigger": trigger}


@pytest.mark.parametrize(
    "run", [ended("DATABASE_UNAVAILABLE", 3), ended("PLATFORM_FAULT"), ended("RUN_INTERRUPTED", 2)]
)
def test_a_run_that_is_given_up_too_early_is_seen(run: dict[str, Any]) -> None:
    assert given_up(run)


@pytest.mark.parametrize(
    "run",
    [ended(None), ended("PLATFORM_FAULT", 3), ended("PLATFORM_FAULT", 1, "http"), ended("RUBY_EXECUTION_FAILED")],
)
def test_a_run_that_ended_by_itself_is_not(run: dict[str, Any]) -> None:
    assert given_up(run) == []


def test_a_disk_of_its_own_is_filled_to_the_last_block_and_freed(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "disk")
    disk.mount()
    if not disk.mounted:
        pytest.skip("needs root, mkfs.ext4 and a loop device")
    try:
        disk.fill()
        with pytest.raises(OSError, match="No space left"):
            (disk.folder / "one more").write_bytes(b"x" * 8192)
        disk.free()
        (disk.folder / "one more").write_bytes(b"x" * 8192)
    finally:
        disk.unmount()


def test_a_steered_clock_is_as_wrong_as_it_is_told(tmp_path: Path) -> None:
    wall = WallClock(tmp_path / "clock")
    clock = SteeredClock(wall.file)
    for ahead in (7200.0, -3600.0, 0.0):
        wall.set_ahead(ahead)
        before, told, after = SystemClock().now(), clock.now(), SystemClock().now()
        assert before <= told - timedelta(seconds=ahead) <= after
