"""What a sandbox may ask of the kernel, as tables.

`template` is the list of what is allowed: what a run may ask for, and exactly the calls with which a harness
makes a clone. `run` is put on top of it, for good, before user events are handled, and takes these calls away
again; being short, it costs a clone a fifth of what a list of its own would. Whatever is not listed fails with
EPERM; numbers newer than the tables and calls that C libraries probe for fail with ENOSYS. Pure; used by the
launcher, so the standard library only.
"""

import errno
from collections.abc import Iterator
from typing import NamedTuple

from triform.substrates.isolation.drivers.process.launcher import bpf
from triform.substrates.isolation.drivers.process.launcher.numbers import AUDIT_ARCH, TABLES


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ALLOWED = _words("""
    read write open close stat fstat lstat poll lseek pread64 pwrite64 readv writev access pipe select
    dup dup2 sendfile fsync fdatasync truncate ftruncate getdents getdents64 getcwd chdir fchdir rename
    mkdir rmdir creat link unlink symlink readlink chmod fchmod chown fchown lchown umask utime utimes
    futimesat statfs fstatfs fadvise64 readahead splice tee sync_file_range fallocate openat openat2
    mkdirat fchownat newfstatat unlinkat renameat renameat2 linkat symlinkat readlinkat fchmodat
    fchmodat2 faccessat faccessat2 pselect6 ppoll utimensat dup3 pipe2 preadv pwritev preadv2 pwritev2
    copy_file_range statx close_range fcntl flock getxattr lgetxattr fgetxattr listxattr llistxattr
    flistxattr epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2
    signalfd signalfd4 timerfd_create timerfd_settime timerfd_gettime
    mmap mprotect munmap brk mremap msync mincore madvise mlock
    munlock mlockall munlockall mlock2 memfd_create membarrier pkey_alloc pkey_free pkey_mprotect
    get_mempolicy fork vfork execve execveat exit exit_group wait4 waitid kill tkill tgkill getpid
    getppid gettid getuid geteuid getgid getegid setuid setgid setreuid setregid getgroups setgroups
    setresuid getresuid setresgid getresgid setfsuid setfsgid setpgid getpgid getpgrp setsid getsid
    getpriority setpriority sched_yield sched_getaffinity sched_setaffinity sched_getparam
    sched_getscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_getattr
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigqueueinfo
    rt_tgsigqueueinfo rt_sigsuspend sigaltstack pause alarm getitimer setitimer nanosleep clock_nanosleep
    clock_gettime clock_getres gettimeofday time times timer_create timer_settime timer_gettime
    timer_getoverrun timer_delete futex futex_waitv set_robust_list get_robust_list set_tid_address
    arch_prctl rseq restart_syscall prlimit64 getrlimit setrlimit getrusage sysinfo uname getrandom
    getcpu capget pidfd_open pidfd_send_signal recvfrom recvmsg recvmmsg sendmsg sendmmsg shutdown
    getsockname getpeername getsockopt
""")

REFUSED_AS = {
    errno.ENOSYS: _words("clone3 landlock_create_ruleset landlock_add_rule landlock_restrict_self"),
    errno.EAFNOSUPPORT: _words("socket"),
    errno.EOPNOTSUPP: _words("setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr"),
}
"""Refusals that programs expect in this form and then do without."""

NEWEST = 462
"""Numbers from here on are unknown to these tables: ENOSYS, so that libraries fall back."""


class Check(NamedTuple):
    """One argument, masked, must be one of `values`; `wide` = all 64 bits count, not the low 32."""

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    wide: bool = False


class Rule(NamedTuple):
    """The call is allowed when every check holds, else it fails with `refusal`."""

    call: str
    checks: tuple[Check, ...]
    refusal: int = errno.EPERM


CLONE_NEW = 0x7E020000
"""Every CLONE_NEW* flag that clone understands."""
_STREAM, _SEQPACKET = 1, 5
_TERMINAL = (0x5401, 0x540F, 0x5413)
_DESCRIPTOR = (0x541B, 0x5421, 0x5450, 0x5451)
_CLONE_FILE = (0x40049409, 0x4020940D)
_PRCTL = (1, 2, 3, 4, 15, 16, 21, 23, 27, 29, 30, 36, 37, 38, 39, 41, 42, 0x53564D41)
_AMBIENT = 47

RUN = (
    Rule("clone", (Check(0, (0,), CLONE_NEW),)),
    # A datagram pair can be unbound and reached by name across runs that share a network namespace.
    Rule("socketpair", (Check(0, (1,)), Check(1, (_STREAM, _SEQPACKET), 0xF)), errno.EAFNOSUPPORT),
    Rule("sendto", (Check(4, (0,), wide=True),)),
    # Not SO_ATTACH_FILTER and its kin: they load programs into the kernel.
    Rule("setsockopt", (Check(1, (1,)), Check(2, (2, 7, 8, 9, 13, 16, 20, 21)))),
    Rule("ioctl", (Check(1, _TERMINAL + _DESCRIPTOR + _CLONE_FILE),), errno.ENOTTY),
    Rule("prctl", (Check(0, _PRCTL),)),
    Rule("personality", (Check(0, (0, 0xFFFFFFFF)),)),
    Rule("mknod", (Check(1, (0o010000, 0o100000, 0), 0o170000),)),
    Rule("mknodat", (Check(2, (0o010000, 0o100000, 0), 0o170000),)),
)

NEWPID, NEWNS, NEWUTS, NEWIPC = 0x20000000, 0x00020000, 0x04000000, 0x08000000

_ALL_THREADS = 1
"""SECCOMP_FILTER_FLAG_TSYNC."""

TEMPLATE = (
    Rule("unshare", (Check(0, (NEWPID | NEWNS | NEWUTS | NEWIPC, NEWNS | NEWUTS | NEWIPC), wide=True),)),
    Rule("setns", (Check(1, (NEWPID, NEWNS, NEWUTS, NEWIPC)),)),
    Rule("mount", (Check(3, (2 | 4, 2 | 4 | 8), wide=True),)),
    Rule("prctl", (Check(0, (*_PRCTL, _AMBIENT)),)),
    Rule("capset", ()),
    Rule("seccomp", (Check(0, (1,)), Check(1, (_ALL_THREADS,)))),
)
"""Namespace calls with fixed flags, giving up capabilities, and the run filter itself."""


def run_filter(machine: str) -> bytes:
    """What a run gives up of what its template may. KeyError for an architecture without tables."""
    kept = {rule.call: rule for rule in RUN}
    ops = [*_entrance(AUDIT_ARCH[machine]), bpf.load(bpf.NUMBER)]
    for call in (rule.call for rule in TEMPLATE):
        number = TABLES[machine][call]
        ops += _guarded(number, kept[call]) if call in kept else _answer(number, number, bpf.errno(errno.EPERM))
    return bpf.assemble([*ops, bpf.done(bpf.ALLOW)])


def template_filter(machine: str) -> bytes:
    """The filter of a template. KeyError for an architecture without tables."""
    own = {rule.call for rule in TEMPLATE}
    numbers = TABLES[machine]
    ops = [*_entrance(AUDIT_ARCH[machine]), bpf.load(bpf.NUMBER)]
    for rule in (*TEMPLATE, *(rule for rule in RUN if rule.call not in own)):
        if rule.call in numbers:
            ops += _guarded(numbers[rule.call], rule)
    for refusal, calls in REFUSED_AS.items():
        for number in _known(numbers, calls):
            ops += _answer(number, number, bpf.errno(refusal))
    for first, last in _ranges(_known(numbers, ALLOWED)):
        ops += _answer(first, last, bpf.ALLOW)
    ops += [bpf.if_at_least(NEWEST, other="known"), bpf.done(bpf.errno(errno.ENOSYS)), bpf.mark("known")]
    return bpf.assemble([*ops, bpf.done(bpf.errno(errno.EPERM))])


def _entrance(architecture: int) -> Iterator[bpf.Op]:
    """Another architecture's numbers (int 0x80, x32) mean other calls: the process is killed."""
    yield bpf.load(bpf.ARCHITECTURE)
    yield bpf.if_equal(architecture, then="native")
    yield bpf.done(bpf.KILL_PROCESS)
    yield bpf.mark("native")
    yield bpf.load(bpf.NUMBER)
    yield bpf.if_at_least(0x40000000, other="numbered")
    yield bpf.done(bpf.KILL_PROCESS)
    yield bpf.mark("numbered")


def _guarded(number: int, rule: Rule) -> Iterator[bpf.Op]:
    past, refuse = f"past {rule.call}", f"refuse {rule.call}"
    yield bpf.if_equal(number, other=past)
    for place, check in enumerate(rule.checks):
        yield from _check(check, f"{rule.call} {place}", refuse)
    yield bpf.done(bpf.ALLOW)
    yield bpf.mark(refuse)
    yield bpf.done(bpf.errno(rule.refusal))
    yield bpf.mark(past)


def _check(check: Check, name: str, refuse: str) -> Iterator[bpf.Op]:
    if check.wide:
        yield bpf.load_high(check.argument)
        yield bpf.if_equal(0, other=refuse)
    yield bpf.load_low(check.argument)
    if check.mask != 0xFFFFFFFF:
        yield bpf.keep(check.mask)
    for value in check.values[:-1]:
        yield bpf.if_equal(value, then=name)
    yield bpf.if_equal(check.values[-1], other=refuse)
    yield bpf.mark(name)


def _answer(first: int, last: int, action: int) -> Iterator[bpf.Op]:
    past = f"past {first} {action}"
    if first == last:
        yield bpf.if_equal(first, other=past)
    else:
        yield bpf.if_at_least(first, other=past)
        yield bpf.if_above(last, then=past)
    yield bpf.done(action)
    yield bpf.mark(past)


def _known(numbers: dict[str, int], calls: tuple[str, ...]) -> list[int]:
    return sorted(numbers[call] for call in calls if call in numbers)


def _ranges(numbers: list[int]) -> Iterator[tuple[int, int]]:
    first = last = numbers[0]
    for number in numbers[1:]:
        if number != last + 1:
            yield first, last
            first = number
        last = number
    yield first, last
