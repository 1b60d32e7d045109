"""Processes of an instance, found from outside by what they are."""

import resource
from collections.abc import Iterator
from pathlib import Path


def tree(pid: int) -> Iterator[int]:
    """`pid` and everything below it, as far as it is still there."""
    yield pid
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return
    for child in children:
        yield from tree(int(child))


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def address_space(pid: int) -> int:
    """Bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


def depth_of(pid: int, root: int) -> int:
    """How many processes lie between `root` and `pid`."""
    steps = 0
    while pid != root and pid > 1:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        pid, steps = int(fields[1]), steps + 1
    return steps


def postmaster(root: int) -> int | None:
    found = [pid for pid in tree(root) if "bin/postgres -D" in command(pid)]
    return found[0] if found else None


def backends(root: int) -> list[int]:
    return [pid for pid in tree(root) if command(pid).startswith("postgres: triform")]


def launcher(root: int) -> int | None:
    found = [pid for pid in tree(root) if pid != root and "launcher" in command(pid) and "python" in command(pid)]
    return found[0] if found else None


def sandboxed(root: int) -> list[int]:
    """Everything below the launcher: templates first, then what they forked."""
    top = launcher(root)
    return [pid for pid in tree(top) if pid != top] if top else []
