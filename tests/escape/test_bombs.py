"""Wanting too much of everything: the bound that is met, and a neighbour who does not notice."""

from typing import Any

import pytest

from tests.escape.attempts import LIMITS, LOAD, LONG_MS, RUN, SOON_MS, Escapes, Tried
from triform.substrates.isolation.interfaces import Limits

MIB = 1 << 20
FILES = 250_000
BEYOND_MIB = 320


async def exploded(
    escapes: Escapes, moment: str, bomb: str, timeout_ms: int = LONG_MS, limits: Limits = LIMITS, **given: Any
) -> Tried:
    return await escapes.tried(moment, "bombs", bomb, limits, timeout_ms, given)


def only_with_groups(escapes: Escapes, request: pytest.FixtureRequest) -> None:
    """For what is not bounded where there are no cgroups."""
    if not escapes.bounded:
        request.applymarker(pytest.mark.xfail(strict=True, reason="polling does not see such memory"))


async def test_memory_ends_it(escapes: Escapes, moment: str) -> None:
    assert (await exploded(escapes, moment, "memory", most=BEYOND_MIB)).cause == "oom"


async def test_memory_without_a_name_ends_it(
    escapes: Escapes, moment: str, request: pytest.FixtureRequest
) -> None:
    only_with_groups(escapes, request)
    assert (await exploded(escapes, moment, "memory without a name", most=BEYOND_MIB)).cause == "oom"


async def test_a_child_s_memory_ends_all_of_it(escapes: Escapes, moment: str) -> None:
    assert (await exploded(escapes, moment, "a child's memory")).cause == "oom"


async def test_whoever_goes_on_making_hungry_children_ends_with_the_first_of_them(
    escapes: Escapes, moment: str
) -> None:
    tried = await exploded(escapes, moment, "children's memory")
    assert tried.cause == "oom"
    assert tried.printed < 10, "it was not ended, and went on until its deadline"


@pytest.mark.parametrize("bomb", ["files", "folders"])
async def test_empty_files_are_memory_too(
    escapes: Escapes, moment: str, bomb: str, request: pytest.FixtureRequest
) -> None:
    only_with_groups(escapes, request)
    most = FILES if escapes.bounded else FILES // 10
    tried = await exploded(escapes, moment, bomb, limits=Limits(memory_mb=24), most=most)
    assert tried.cause == "oom" or tried.value[0] == "ENOSPC", tried


@pytest.mark.parametrize("bomb", ["memory in many files", "memory in pipes"])
async def test_what_files_and_pipes_hold_is_bounded(escapes: Escapes, moment: str, bomb: str) -> None:
    """Refused by a bound of its own or ended by that of memory, whichever is met first."""
    tried = await exploded(escapes, moment, bomb, most=BEYOND_MIB)
    assert tried.cause == "oom" or tried.value[0] in ("ENOSPC", "EMFILE", "EPERM"), tried


@pytest.mark.parametrize("place", ["/tmp", "/dev/shm"])
async def test_a_file_fills_no_more_than_its_disk(escapes: Escapes, moment: str, place: str) -> None:
    error, pieces = (await exploded(escapes, moment, "one file", place=place)).value
    assert error in ("ENOSPC", "EFBIG")
    assert pieces <= LIMITS.memory_mb // 2


async def test_a_file_that_pretends_to_be_huge_ends_its_writer(escapes: Escapes, moment: str) -> None:
    assert (await exploded(escapes, moment, "a hole")).cause == "signal"


@pytest.mark.parametrize("bomb", ["descriptors", "pipes"])
async def test_descriptors_are_bounded(escapes: Escapes, moment: str, bomb: str) -> None:
    error, count = (await exploded(escapes, moment, bomb)).value
    assert error == "EMFILE"
    assert count < LIMITS.open_files


async def test_memory_cannot_be_locked(escapes: Escapes, moment: str) -> None:
    assert (await exploded(escapes, moment, "locked memory")).value in ("ENOMEM", "EPERM")


async def test_processes_are_bounded(escapes: Escapes, moment: str) -> None:
    tried = await exploded(escapes, moment, "processes")
    if escapes.bounded:
        assert 10 < tried.value <= LIMITS.pids + (32 if moment == LOAD else 0), tried
    else:  # by polling, if it is quick enough, or by a wider bound of the user's processes
        assert tried.value is None or tried.value <= 16 * LIMITS.pids, tried


async def test_threads_are_bounded(escapes: Escapes, moment: str) -> None:
    tried = await exploded(escapes, moment, "threads")
    if escapes.bounded:
        assert tried.cause == "exit"
        assert 10 < tried.code <= LIMITS.pids + (32 if moment == LOAD else 0)
    else:
        assert tried.cause in ("exit", "signal")


@pytest.mark.parametrize("bomb", ["print", "lines"])
async def test_printing_without_end_is_held_back_or_dropped(escapes: Escapes, moment: str, bomb: str) -> None:
    tried = await exploded(escapes, moment, bomb, SOON_MS[moment])
    assert tried.cause in ("timeout", "oom")  # what is printed and not taken yet is memory, too
    assert moment == RUN or tried.printed <= MIB


async def test_spinning_on_every_processor_ends_at_the_deadline(escapes: Escapes, moment: str) -> None:
    assert (await exploded(escapes, moment, "spin", SOON_MS[moment])).cause == "timeout"


async def test_what_detaches_itself_is_contained_and_ends_with_the_run(escapes: Escapes, moment: str) -> None:
    tried = await exploded(escapes, moment, "leave everything running")
    assert tried.value == "left"
    told = [warning for warning in tried.warnings if "processes running" in warning]
    assert bool(told) == (moment == LOAD)
