"""The inside of a fresh child: from new namespaces to the harness. Runs between clone and exec.

    wait for the uid map → folders → uid → devices, proc, tmp → new root → limits → capabilities → filter
      → fork ─┬─► process 2: exec of the harness
              └─► process 1: exec of the program that only waits for it (`inits`)

Folders are bound while the process still has its launcher's uid, so that sources below a folder of mode 0700
can be reached; file systems in memory are made as the guest's uid, which they belong to.
"""

import base64
import contextlib
import os
import resource
import select
import signal
import socket
from collections.abc import Callable, Sequence
from fcntl import F_DUPFD_CLOEXEC, fcntl
from pathlib import Path
from typing import NamedTuple, NoReturn

from triform.substrates.isolation.drivers.process.launcher import files, inits, kernel
from triform.substrates.isolation.drivers.process.launcher.numbers import machine
from triform.substrates.isolation.drivers.process.launcher.plan import (
    CLONES_FIRST,
    GUEST_ID,
    MOUNT_POINTS,
    Bind,
    Plan,
)

NAMESPACES = kernel.NEWUSER | kernel.NEWPID | kernel.NEWNS | kernel.NEWNET | kernel.NEWIPC | kernel.NEWUTS

_STATUS, _STARTED, _ALIVE, _TROUBLE = 4, 5, 6, 7
"""Where the child keeps its ends while it is being set up; 0 to 3 stay for the harness, 4 for process 1."""

_DEVICES = ("null", "zero", "full", "random", "urandom")
_TMP = "/tmp"  # noqa: S108 - always a fresh mount in a mount namespace of our own
_LINKS = (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"), ("shm", _TMP))
_PLAIN = kernel.NO_SETUID | kernel.NO_DEVICES
_HERE = "."
_HARMLESS = _PLAIN | kernel.NO_EXECUTION
_TEMPLATES_FIRST = "/dev/first"
_ENVIRONMENT = {"LANG": "C.UTF-8"}
"""Only what an interpreter reads before its harness sets the real environment: the encoding."""


class Ends(NamedTuple):
    """What a child is born with. `status` takes how the harness ended; `started` yields one byte when the uid map
    stands, `alive` hangs up when the launcher is gone, `trouble` takes the text of a failure."""

    control: int
    stdout: int
    stderr: int
    status: int
    started: int
    alive: int
    trouble: int


def enter(plan: Plan, ends: Ends) -> NoReturn:
    """Becomes the sandbox's first process; never returns, never raises."""
    step, trouble = "arrange descriptors", ends.trouble
    try:
        _arrange(ends)
        trouble = _TROUBLE
        for name, act in _steps(plan):
            step = name
            act()
        step = f"start {' '.join(plan.command)}"
        _become(plan)
    except BaseException as error:  # nothing may escape into the launcher's own loop
        os.write(trouble, f"{step}: {error}".encode()[:1000])
    os._exit(127)


def _arrange(ends: Ends) -> None:
    """0 = /dev/null, 1 and 2 = the pipes, 3 = the control socket; whatever else there was is closed."""
    null = os.open("/dev/null", os.O_RDONLY)
    own = (ends.status, ends.started, ends.alive, ends.trouble)
    order = (null, ends.stdout, ends.stderr, ends.control, *own)
    out_of_the_way = [fcntl(end, F_DUPFD_CLOEXEC, 100) for end in order]
    for place, end in enumerate(out_of_the_way):
        os.dup2(end, place, inheritable=place < _STATUS)
    os.closerange(len(order), 65536)


def _steps(plan: Plan) -> Sequence[tuple[str, Callable[[], None]]]:
    # Once inside, the new root goes by ".": the guest's uid may not be allowed to walk the path to it.
    new = _HERE if plan.root else _TMP
    return (
        ("wait for the uid map", _wait),
        ("unshare the cgroup namespace", lambda: kernel.unshare(kernel.NEWCGROUP)),
        ("bind folders", lambda: _bind_folders(plan, plan.root or _TMP)),
        ("change uid", _change_uid),
        ("build the root", lambda: _build_root(plan, new)),
        ("change the root", lambda: kernel.swap_root(new)),
        ("enter the code folder, which everybody must be able to read", lambda: os.chdir("/app")),
        ("set limits", lambda: _set_limits(plan)),
        ("drop privileges", lambda: _confine(plan)),
    )


def _wait() -> None:
    files.write("/proc/self/oom_score_adj", "800")
    if not os.read(_STARTED, 1):
        raise ConnectionAbortedError("the launcher is gone")


def _bind_folders(plan: Plan, new: str) -> None:
    kernel.mount(None, "/", None, kernel.RECURSIVE | kernel.PRIVATE)
    if plan.root:
        kernel.mount(plan.root, new, None, kernel.BIND | kernel.RECURSIVE)
    for bind in plan.binds:
        _bind(bind, new)
    os.chdir(new)


def _bind(bind: Bind, new: str) -> None:
    target = new + bind.target
    kernel.mount(bind.source, target, None, kernel.BIND | kernel.RECURSIVE)
    _seal(target)


def _seal(target: str) -> None:
    """Read-only. A mount's stricter flags are locked in a user namespace and must be named again."""
    stricter = kernel.NO_EXECUTION if os.statvfs(target).f_flag & os.ST_NOEXEC else 0
    kernel.mount(None, target, None, kernel.BIND | kernel.REMOUNT | kernel.READ_ONLY | _PLAIN | stricter)


def _change_uid() -> None:
    if Path("/proc/self/setgroups").read_text().strip() == "allow":
        os.setgroups([])
    os.setresgid(GUEST_ID, GUEST_ID, GUEST_ID)
    os.setresuid(GUEST_ID, GUEST_ID, GUEST_ID)
    os.umask(0o022)


def _build_root(plan: Plan, new: str) -> None:
    if not plan.root:
        kernel.mount("tmpfs", new, "tmpfs", _PLAIN, "size=64k,mode=755")
        for name in MOUNT_POINTS:
            Path(new, name).mkdir()
    _mount_devices(f"{new}/dev", plan)
    # The fresh /proc must come while the old, unmasked one is still in sight: else the kernel refuses it.
    kernel.mount("proc", f"{new}/proc", "proc", _HARMLESS)
    kernel.mount("tmpfs", f"{new}{_TMP}", "tmpfs", _PLAIN, f"size={plan.tmp_bytes},mode=1777")
    if plan.root:
        _seal(new)


def _mount_devices(dev: str, plan: Plan) -> None:
    kernel.mount("tmpfs", dev, "tmpfs", kernel.NO_SETUID | kernel.NO_EXECUTION, "size=64k,mode=755")
    for name in _DEVICES:
        Path(dev, name).touch()
        kernel.mount(f"/dev/{name}", f"{dev}/{name}", None, kernel.BIND)
    for name, destination in _LINKS:
        Path(dev, name).symlink_to(destination)
    for path, program in ((CLONES_FIRST, inits.clones_first), (_TEMPLATES_FIRST, inits.templates_first)):
        _place_program(f"{dev}{path.removeprefix('/dev')}", program(machine()))
    kernel.mount(None, dev, None, kernel.BIND | kernel.REMOUNT | kernel.READ_ONLY | _HARMLESS & ~kernel.NO_DEVICES)


def _place_program(path: str, program: bytes) -> None:
    """What may be executed below /dev is a mount of its own."""
    file = Path(path)
    file.write_bytes(program)
    file.chmod(0o555)
    kernel.mount(path, path, None, kernel.BIND)
    kernel.mount(None, path, None, kernel.BIND | kernel.REMOUNT | kernel.READ_ONLY | _PLAIN)


def _set_limits(plan: Plan) -> None:
    with contextlib.suppress(PermissionError):  # who waits for an answer goes first
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    for which, most in rlimits(plan):
        resource.setrlimit(which, (most, most))
    socket.sethostname("sandbox")


def rlimits(plan: Plan) -> list[tuple[int, int]]:
    """Resource and bound, soft and hard alike."""
    limits = [
        (resource.RLIMIT_NOFILE, plan.open_files),
        (resource.RLIMIT_CORE, 0),
        # Above what /tmp holds: a full disk is an error a program can handle, the file size signal is not.
        (resource.RLIMIT_FSIZE, plan.tmp_bytes + (1 << 20)),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_MEMLOCK, 65536),
    ]
    optional = ((resource.RLIMIT_NPROC, plan.processes), (resource.RLIMIT_DATA, plan.data))
    return limits + [(which, most) for which, most in optional if most]


def _confine(plan: Plan) -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    # Both are asked for to go back to one's own mount namespace; chroot itself is no call of the filter.
    kernel.keep_only(kernel.CAP_SYS_ADMIN, kernel.CAP_SYS_CHROOT)
    kernel.no_new_privileges()
    # Changing uid or capabilities clears the death signal, hence here; a launcher that died before shows.
    kernel.die_with_parent()
    if select.select([_ALIVE], [], [], 0)[0]:
        raise ConnectionAbortedError("the launcher is gone")
    kernel.seccomp(base64.b64decode(plan.filter))


def _become(plan: Plan) -> NoReturn:
    if not plan.command:
        os._exit(0)
    if os.fork():
        _wait_for_it()
    os.setsid()
    os.execve(plan.command[0], list(plan.command), _ENVIRONMENT)  # noqa: S606 - no shell is meant


def _wait_for_it() -> NoReturn:
    """User code is process 2: no signal could end a first process, and its end would be everybody's."""
    for place in range(_STATUS):
        os.set_inheritable(place, False)
    os.set_inheritable(_STATUS, True)
    os.execve(_TEMPLATES_FIRST, [_TEMPLATES_FIRST], {})  # noqa: S606 - no shell is meant
