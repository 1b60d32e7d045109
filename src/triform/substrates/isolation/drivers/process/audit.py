"""A loaded template seen from outside: is there anything through which one run could reach another?

Read from the host's /proc, so user code cannot forge it. It is a point in time: repeated, in small, per clone.
"""

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from triform.substrates.isolation.drivers.process.launcher.units import together

_NONE = b":\t0000000000000000\n"
_GIVEN_UP = (
    b"\nCapInh" + _NONE + b"CapPrm" + _NONE + b"CapEff" + _NONE,
    b"\nCapAmb" + _NONE,
    b"\nNoNewPrivs:\t1\n",
    b"\nSeccomp:\t2\n",
)

_OWN_THREADS = 2
_FIRST = re.compile(rb"^NSpid:.*\t1$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a harness has running, open and mounted before it sees user code (an interpreter may have a
    thread of its own from the start)."""

    threads: frozenset[str]
    descriptors: frozenset[tuple[str, str]]
    mounts: str


def baseline(pid: int) -> Baseline:
    """Raises OSError when the process is gone."""
    return Baseline(_threads(pid), frozenset(_descriptors(pid)), Path(f"/proc/{pid}/mountinfo").read_text())


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
        return _threads(pid) <= before.threads
    except OSError:
        return False


def confined(pid: int) -> bool:
    """Whether a runner has really given everything up: no capability in any set, the run filter on every thread.

    A second thread is the interpreter's own. It was made with the fork and keeps capabilities, in the run's own
    namespaces and under a filter that lets it use none. A third would be somebody else's.
    """
    try:
        statuses = {thread: _status(f"{pid}/task/{thread}") for thread in _threads(pid)}
    except OSError:
        return False
    each = statuses.values()
    filtered = all(b"\nSeccomp:\t2\n" in one and b"\nSeccomp_filters:\t1\n" not in one for one in each)
    return filtered and len(statuses) <= _OWN_THREADS and _powerless(statuses.get(str(pid), b""))


def leads(pid: int) -> bool:
    """Whether a process is the first of its pid namespace and has no capability in any set."""
    status = _status(pid)
    return _powerless(status) and _FIRST.search(status) is not None


def children(pid: int) -> frozenset[int]:
    """Of all threads; none when it is gone."""
    try:
        texts = [_read(f"/proc/{pid}/task/{thread}/children") for thread in _threads(pid)]
    except OSError:
        return frozenset()
    return frozenset(int(child) for text in texts for child in text.split())


def alone(first: int, runner: int, template: int, before: frozenset[int]) -> bool:
    """Whether a clone is these two processes. More of it would have been made before the runner gave up anything:
    its children, orphans of theirs, and what calls itself a child of the template, which had `before`."""
    more = ((children(template) - before) | children(runner) | children(first)) - {first, runner}
    return not any(together(runner, each) for each in more)


def _powerless(status: bytes) -> bool:
    return all(mark in status for mark in _GIVEN_UP)


def _status(task: int | str) -> bytes:
    try:
        return _read(f"/proc/{task}/status")
    except OSError:
        return b""


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 8192)
    finally:
        os.close(descriptor)


def _threads(pid: int) -> frozenset[str]:
    return frozenset(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 - half the time of iterdir, per run


def _left_running(pid: int, before: Baseline) -> list[str]:
    more = len(_threads(pid) - before.threads)
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
