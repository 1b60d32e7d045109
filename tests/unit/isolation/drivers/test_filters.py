"""The allow-lists, decided as the kernel would, for every call that matters."""

import errno

import pytest

from tests.unit.isolation.drivers.machine import ALLOW, KILL, decide
from triform.substrates.isolation.drivers.process.launcher.filters import ALLOWED, run_filter, template_filter
from triform.substrates.isolation.drivers.process.launcher.numbers import AARCH64, AUDIT_ARCH, TABLES, X86_64

RUN, TEMPLATE = run_filter("x86_64"), template_filter("x86_64")
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, SIGCHLD = 0x10000000, 0x20000000, 0x40000000, 17

REFUSED = """
    mount umount2 unshare setns pivot_root chroot ptrace bpf perf_event_open userfaultfd io_uring_setup
    keyctl add_key process_vm_readv process_vm_writev kcmp pidfd_getfd vmsplice init_module kexec_load
    reboot capset seccomp bind connect listen accept accept4 move_mount fsopen mount_setattr syslog acct
    swapon
"""


def run(call: str, *arguments: int) -> str | int:
    return both(X86_64[call], arguments)


def both(number: int, arguments: tuple[int, ...] = (), architecture: int = AUDIT_ARCH["x86_64"]) -> str | int:
    """A run is under its own filter and its template's: the stricter answer counts, of two refusals the newer."""
    answers = [decide(program, number, arguments, architecture) for program in (RUN, TEMPLATE)]
    return KILL if KILL in answers else next((answer for answer in answers if answer != ALLOW), ALLOW)


def template(call: str, *arguments: int) -> str | int:
    return decide(TEMPLATE, X86_64[call], arguments)


@pytest.mark.parametrize("machine", sorted(TABLES))
def test_every_listed_call_is_allowed_in_both(machine: str) -> None:
    for program in (run_filter(machine), template_filter(machine)):
        for call in set(ALLOWED) & TABLES[machine].keys():
            assert decide(program, TABLES[machine][call], architecture=AUDIT_ARCH[machine]) == ALLOW, call


@pytest.mark.parametrize("call", REFUSED.split())
def test_what_a_run_has_no_business_with_is_refused(call: str) -> None:
    assert run(call) == errno.EPERM


def test_unknown_calls_are_refused_and_newer_ones_do_not_exist() -> None:
    assert both(165) == errno.EPERM
    assert both(462) == errno.ENOSYS
    assert both(1000) == errno.ENOSYS


def test_another_architectures_calls_kill() -> None:
    for program in (RUN, TEMPLATE):
        assert decide(program, 1, architecture=0x40000003) == KILL
        assert decide(program, 0x40000000 | 1) == KILL


def test_clone_makes_processes_and_threads_but_no_namespaces() -> None:
    assert run("clone", SIGCHLD) == ALLOW
    assert run("clone", 0x003D0F00) == ALLOW
    for flag in (CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, 0x00020000, 0x02000000, 0x04000000, 0x08000000):
        assert run("clone", SIGCHLD | flag) == errno.EPERM
        assert template("clone", SIGCHLD | flag) == errno.EPERM
    assert run("clone3") == errno.ENOSYS


def test_sockets_are_pairs_that_cannot_be_found_by_name() -> None:
    assert run("socket", 2, 1) == errno.EAFNOSUPPORT
    assert run("socketpair", 1, 1 | 0o2000000) == ALLOW
    assert run("socketpair", 1, 5) == ALLOW
    assert run("socketpair", 1, 2) == errno.EAFNOSUPPORT
    assert run("socketpair", 16, 1) == errno.EAFNOSUPPORT
    assert run("sendto", 3, 0, 1, 0, 0) == ALLOW
    assert run("sendto", 3, 0, 1, 0, 1 << 32) == errno.EPERM
    assert run("setsockopt", 3, 1, 16) == ALLOW
    assert run("setsockopt", 3, 1, 26) == errno.EPERM


def test_terminals_cannot_be_typed_into() -> None:
    assert run("ioctl", 0, 0x5401) == ALLOW
    assert run("ioctl", 0, 0x5412) == errno.ENOTTY
    assert run("ioctl", 0, 0x5412 | 1 << 32) == errno.ENOTTY


def test_devices_cannot_be_made_but_pipes_can() -> None:
    assert run("mknod", 0, 0o010644) == ALLOW
    assert run("mknod", 0, 0o060644) == errno.EPERM
    assert run("mknodat", 0, 0, 0o020644) == errno.EPERM


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("unshare", (0x2C020000,)),
        ("unshare", (0x0C020000,)),
        ("setns", (5, 0x20000000)),
        ("setns", (5, 0x00020000)),
        ("mount", (1, 1, 1, 6)),
        ("mount", (1, 1, 1, 14)),
        ("capset", ()),
        ("seccomp", (1, 1)),
        ("prctl", (47, 4)),
    ],
)
def test_a_template_may_make_clones(call: str, arguments: tuple[int, ...]) -> None:
    assert template(call, *arguments) == ALLOW
    assert run(call, *arguments) == errno.EPERM


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("unshare", (CLONE_NEWUSER,)),
        ("unshare", (CLONE_NEWNET,)),
        ("unshare", (CLONE_NEWPID | CLONE_NEWUSER,)),
        ("unshare", (1 << 32 | CLONE_NEWPID,)),
        ("setns", (5, 0)),
        ("setns", (5, CLONE_NEWUSER)),
        ("mount", (1, 1, 1, 4096)),
        ("mount", (1, 1, 1, 32 | 6)),
        ("mount", (1, 1, 1, 6 | 1 << 32)),
        ("umount2", (1, 2)),
        ("pivot_root", (1, 1)),
        ("seccomp", (1, 8)),
        ("seccomp", (0, 0)),
        ("prctl", (22, 2)),
    ],
)
def test_a_template_may_do_nothing_else_with_namespaces(call: str, arguments: tuple[int, ...]) -> None:
    assert template(call, *arguments) == errno.EPERM


@pytest.mark.parametrize("machine", sorted(TABLES))
def test_a_runs_filter_takes_away_and_never_gives(machine: str) -> None:
    """Whatever a template may call in some form and a run may not, its own short filter refuses; the rest it
    leaves to the template's."""
    own, below = run_filter(machine), template_filter(machine)
    assert len(own) < len(below) / 5
    for call in ("unshare", "setns", "mount", "capset", "seccomp"):
        assert decide(own, TABLES[machine][call], architecture=AUDIT_ARCH[machine]) == errno.EPERM
    for call in ("ptrace", "bpf", "io_uring_setup"):
        assert decide(below, TABLES[machine][call], architecture=AUDIT_ARCH[machine]) == errno.EPERM


def test_numbers_agree_with_the_kernels_where_both_have_them() -> None:
    assert (X86_64["seccomp"], AARCH64["seccomp"]) == (317, 277)
    assert (X86_64["clone3"], AARCH64["clone3"]) == (435, 435)
    assert "fork" not in AARCH64
