"""A clone seen from outside, before anybody uses it: has it given up what it should, and is there no more of it?

From the host's /proc, so that what a template has loaded cannot forge it.
"""

import re
from collections.abc import Mapping

from triform.substrates.isolation.drivers.process.launcher.units import together
from triform.substrates.isolation.drivers.process.procfs import children, children_of_thread, status

_NONE = b":\t0000000000000000\n"
_GIVEN_UP = (
    b"\nCapInh" + _NONE + b"CapPrm" + _NONE + b"CapEff" + _NONE,
    b"\nCapAmb" + _NONE,
    b"\nNoNewPrivs:\t1\n",
    b"\nSeccomp:\t2\n",
)

_OWN_THREADS = 2
_FIRST = re.compile(rb"^NSpid:.*\t1$", re.MULTILINE)


def confined(runner: int, statuses: Mapping[int, bytes]) -> bool:
    """Whether a runner has really given everything up: no capability in any set, the run filter on every thread.

    A second thread is the interpreter's own. It was made with the fork and keeps capabilities, in the run's own
    namespaces and under a filter that lets it use none. A third would be somebody else's.
    """
    each = statuses.values()
    filtered = all(b"\nSeccomp:\t2\n" in one and b"\nSeccomp_filters:\t1\n" not in one for one in each)
    return filtered and len(statuses) <= _OWN_THREADS and _powerless(statuses.get(runner, b""))


def leads(pid: int) -> bool:
    """Whether a process is the first of its pid namespace, has one thread and no capability in any set."""
    its = status(pid)
    return _powerless(its) and b"\nThreads:\t1\n" in its and _FIRST.search(its) is not None


def alone(first: int, runner: Mapping[int, bytes], template: int, before: frozenset[int]) -> bool:
    """Whether a clone is its first process and a runner with these threads. More of it would have been made
    before the runner gave up anything: its children, orphans of theirs, and what calls itself a child of the
    template, which had `before`."""
    more = (children(template) - before).union(*map(children_of_thread, (first, *runner)))
    return not any(together(first, each) for each in more - {first, *runner})


def _powerless(its: bytes) -> bool:
    return all(mark in its for mark in _GIVEN_UP)
