"""The host's /proc, read as cheaply as it can be: every run pays for it. OSError when a process is gone."""

import os
import re

_COUNT = re.compile(rb"^Threads:\t(\d+)$", re.MULTILINE)
_NEAR = 4


def status(task: int | str) -> bytes:
    """Of a process or thread; empty when it is gone."""
    try:
        return read(f"/proc/{task}/status")
    except OSError:
        return b""


def threads(pid: int) -> frozenset[str]:
    return frozenset(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 - half the time of iterdir


def children(pid: int) -> frozenset[int]:
    """Of all threads; none when it is gone."""
    try:
        texts = [read(f"/proc/{pid}/task/{thread}/children") for thread in threads(pid)]
    except OSError:
        return frozenset()
    return frozenset(int(child) for text in texts for child in text.split())


def children_of_thread(thread: int) -> frozenset[int]:
    """None when it is gone."""
    try:
        return frozenset(map(int, read(f"/proc/{thread}/task/{thread}/children").split()))
    except OSError:
        return frozenset()


def statuses(pid: int) -> dict[int, bytes]:
    """By thread, of a process that will soon end; none when it is gone.

    A look into its `task` folder would leave entries there that the kernel takes away as the threads end, and
    whoever waits for the process spins until that is done. So a second thread is looked for by its number, which
    was given right after the first one's.
    """
    own = status(pid)
    count = _COUNT.search(own)
    if count and count[1] == b"1":
        return {pid: own}
    if count and count[1] == b"2":
        for near in range(pid + 1, pid + _NEAR):
            other = status(near)
            if b"\nTgid:\t%d\n" % pid in other:
                return {pid: own, near: other}
    try:
        return {int(thread): status(f"{pid}/task/{thread}") for thread in threads(pid)}
    except OSError:
        return {}


def read(path: str) -> bytes:
    """The first 8 KiB."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 8192)
    finally:
        os.close(descriptor)
