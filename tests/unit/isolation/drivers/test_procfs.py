"""Threads and children of real processes, whatever numbers the kernel gave them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from triform.substrates.isolation.drivers.process.procfs import children, children_of_thread, statuses

PROGRAM = """
import os, sys, threading
more, between, forks = map(int, sys.argv[1:])
for _ in range(between):  # numbers that others have had meanwhile
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
stay = threading.Event()
for _ in range(more):
    threading.Thread(target=stay.wait, daemon=True).start()
kept = [os.posix_spawn("/bin/sleep", ["sleep", "60"], {}) for _ in range(forks)]
print(*kept, flush=True)
sys.stdin.read()
for pid in kept:
    os.kill(pid, 9)
"""


@contextmanager
def process(more: int, between: int = 0, forks: int = 0) -> Iterator[tuple[int, frozenset[int]]]:
    """With so many threads besides the first; its pid, and its children's."""
    command = [sys.executable, "-c", PROGRAM, str(more), str(between), str(forks)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout
        assert started.stdin
        kept = frozenset(map(int, started.stdout.readline().split()))
        yield started.pid, kept
        started.stdin.close()


@pytest.mark.parametrize(("more", "between"), [(0, 0), (1, 0), (1, 8), (2, 0), (3, 8)])
def test_every_thread_is_found_also_where_its_number_is_far_away(more: int, between: int) -> None:
    with process(more, between) as (pid, _):
        found = statuses(pid)
        assert {str(thread) for thread in found} == {each.name for each in Path(f"/proc/{pid}/task").iterdir()}
        assert pid in found
        assert all(b"\nTgid:\t%d\n" % pid in status for status in found.values())


def test_a_process_that_is_gone_has_neither_threads_nor_children() -> None:
    with process(0) as (pid, _):
        pass
    assert all(status == b"" for status in statuses(pid).values())
    assert (children(pid), children_of_thread(pid)) == (frozenset(), frozenset())


def test_children_are_those_of_the_thread_that_made_them() -> None:
    with process(1, forks=2) as (pid, kept):
        assert children(pid) == children_of_thread(pid) == kept
        second = next(thread for thread in statuses(pid) if thread != pid)
        assert children_of_thread(second) == frozenset()
