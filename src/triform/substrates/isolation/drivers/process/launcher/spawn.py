"""Making a template: descriptors, the child in its namespaces, the uid map, the group. Standard library only."""

import os
import signal
from collections.abc import Sequence

from triform.substrates.isolation.drivers.process.launcher import kernel, sandbox
from triform.substrates.isolation.drivers.process.launcher.groups import Groups
from triform.substrates.isolation.drivers.process.launcher.plan import GUEST_ID, Plan
from triform.substrates.isolation.drivers.process.launcher.uids import take, write_maps
from triform.substrates.isolation.drivers.process.launcher.units import Template, own_group


def spawn(name: str, plan: Plan, passed: Sequence[int], groups: Groups, alive: int) -> Template:
    """A template on its way to exec; what goes wrong from here on comes as text out of `trouble`.

    `passed` are the harness's control socket, stdout and stderr. OSError when not even the child could be made;
    nothing of it is left then.
    """
    control, stdout, stderr = passed
    started, go = os.pipe2(os.O_CLOEXEC)
    trouble, troubled = os.pipe2(os.O_CLOEXEC)
    status, ended = os.pipe2(os.O_CLOEXEC)
    groups.make(own_group(name), plan.own)
    try:
        pid = kernel.fork_into(sandbox.NAMESPACES)
        if pid == 0:
            sandbox.enter(plan, sandbox.Ends(control, stdout, stderr, ended, started, alive, troubled))
        template = _adopt(name, plan, pid, groups, (trouble, status))
        os.write(go, b"!")
    except OSError:
        groups.remove(own_group(name))
        os.close(trouble)
        os.close(status)
        raise
    finally:
        for end in (started, go, troubled, ended):
            os.close(end)
    return template


def _adopt(name: str, plan: Plan, pid: int, groups: Groups, told: tuple[int, int]) -> Template:
    uid = take()
    try:
        write_maps(pid, uid, GUEST_ID)
        groups.join(own_group(name), pid)
        unit = (pid, os.pidfd_open(pid), groups.watch(own_group(name)))
    except OSError:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        uid.release()
        raise
    return Template(name, plan, uid, unit, told)
