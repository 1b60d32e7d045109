"""The system calls Python has no function for, over the C library. Raises OSError that names the call."""

import ctypes
import os
import signal
import struct

from triform.substrates.isolation.drivers.process.launcher.numbers import TABLES, machine

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000

READ_ONLY, NO_SETUID, NO_DEVICES, NO_EXECUTION, REMOUNT = 1, 2, 4, 8, 32
BIND, RECURSIVE, PRIVATE = 4096, 16384, 1 << 18

CAP_SYS_CHROOT, CAP_SYS_ADMIN = 18, 21

_SET_DEATH_SIGNAL, _SET_DUMPABLE, _DROP_BOUNDING, _SET_SECUREBITS, _NO_NEW_PRIVILEGES, _AMBIENT = (
    1,
    4,
    24,
    28,
    38,
    47,
)
_AMBIENT_RAISE = 2
_NOT_BY_ROOT = 0b1111
"""SECBIT_NOROOT and SECBIT_NO_SETUID_FIXUP, both locked: no uid brings capabilities."""
_DETACH = 2
_CAPABILITY_VERSION = 0x20080522

# PyDLL holds the interpreter's lock across the call: a raw clone must not come back in a child without it.
_libc = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def _checked(what: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _call(name: str, *arguments: object) -> int:
    number = ctypes.c_long(TABLES[machine()][name])
    wide = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return _checked(name, int(_libc.syscall(number, *wide)))


def fork_into(namespaces: int) -> int:
    """Like fork, the child being the first process of new namespaces. Single-threaded callers only."""
    return _call("clone", namespaces | signal.SIGCHLD, 0, 0, 0, 0)


def unshare(namespaces: int) -> None:
    _call("unshare", namespaces)


def mount(
    source: str | None, target: str, kind: str | None = None, flags: int = 0, data: str | None = None
) -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    result = _libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3])
    _checked(f"mount {kind or source or ''} on {target}", result)


def swap_root(new: str) -> None:
    """Makes `new`, a mount point, the root of this mount namespace and lets go of the old one."""
    os.chdir(new)
    _call("pivot_root", b".", b".")
    _checked("umount the old root", _libc.umount2(b".", _DETACH))
    os.chdir("/")


def die_with_parent() -> None:
    _prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


def become(uid: int) -> None:
    """An ordinary user, for good. Afterwards /proc/self is its own again, which maps of children need."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    _prctl(_SET_DUMPABLE, 1)


def no_new_privileges() -> None:
    _prctl(_NO_NEW_PRIVILEGES, 1)


def keep_only(*capabilities: int) -> None:
    """These capabilities stay, across exec too; the rest are gone from every set, for good."""
    last = int(_read("/proc/sys/kernel/cap_last_cap"))
    for other in range(last + 1):
        if other not in capabilities:
            _prctl(_DROP_BOUNDING, other)
    _prctl(_SET_SECUREBITS, _NOT_BY_ROOT)
    bits = sum(1 << capability for capability in capabilities)  # of the first 32
    sets = struct.pack("=6I", bits, bits, bits, 0, 0, 0)
    _call("capset", struct.pack("=Ii", _CAPABILITY_VERSION, 0), sets)
    for capability in capabilities:
        _prctl(_AMBIENT, _AMBIENT_RAISE, capability)


def seccomp(program: bytes) -> None:
    """Puts this process under a filter for good."""
    body = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(body))
    _call("seccomp", 1, 0, header)


def _prctl(option: int, value: int, third: int = 0) -> None:
    wide = [ctypes.c_ulong(number) for number in (value, third, 0, 0)]
    _checked(f"prctl {option}", _libc.prctl(ctypes.c_int(option), *wide))


def _read(path: str) -> str:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 4096).decode()
    finally:
        os.close(descriptor)
