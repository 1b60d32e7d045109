"""A loaded template seen from outside: is there anything through which one run could reach another?

Read from the host's /proc, so user code cannot forge it. It is a point in time: repeated, in small, per clone
(newborn.py).
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from triform.substrates.isolation.drivers.process.procfs import threads


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a harness has running, open and mounted before it sees user code (an interpreter may have a
    thread of its own from the start)."""

    threads: frozenset[str]
    descriptors: frozenset[tuple[str, str]]
    mounts: str


def baseline(pid: int) -> Baseline:
    """Raises OSError when the process is gone."""
    return Baseline(threads(pid), frozenset(_descriptors(pid)), Path(f"/proc/{pid}/mountinfo").read_text())


def audit(pid: int, before: Baseline, others: Collection[int]) -> tuple[str, ...]:
    """What stands against forking runs from this process, one sentence each; `others`: processes of the template
    that user code has started. Raises OSError when it is gone."""
    findings = [
        *_left_running(pid, before),
        *_left_behind(others),
        *_left_open(pid, before),
        *_shared_memory(pid),
    ]
    if Path(f"/proc/{pid}/mountinfo").read_text() != before.mounts:
        findings.append("mounted file systems while it was loaded")
    return tuple(findings)


def no_more_threads(pid: int, before: Baseline) -> bool:
    """The cheap part, for every clone. False when the process is gone, too."""
    try:
        return threads(pid) <= before.threads
    except OSError:
        return False


def _left_running(pid: int, before: Baseline) -> list[str]:
    more = len(threads(pid) - before.threads)
    return [f"left threads running after it was loaded ({more})"] if more else []


def _left_behind(others: Collection[int]) -> list[str]:
    return [f"left processes running after it was loaded ({len(others)})"] if others else []


def _left_open(pid: int, before: Baseline) -> list[str]:
    more = sorted(target for _, target in set(_descriptors(pid)) - before.descriptors)
    return [f"left files open after it was loaded: {', '.join(more[:5])}"] if more else []


def _shared_memory(pid: int) -> list[str]:
    shared = set()
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if fields[1].endswith("s") and "w" in fields[1]:
            shared.add(fields[5] if len(fields) > 5 else "anonymous")
    return [f"shares writable memory: {', '.join(sorted(shared)[:5])}"] if shared else []


def _descriptors(pid: int) -> list[tuple[str, str]]:
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append((entry.name, str(entry.readlink())))
        except FileNotFoundError:
            continue
    return found
