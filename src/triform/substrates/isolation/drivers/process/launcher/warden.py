"""Who lives: the templates, the groups of their clones, and what has to be said about them.

The launcher's only state. Every process is a direct child (a template's first process) or lives in a pid
namespace below one: killing a template leaves nothing. Standard library only.
"""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from triform.substrates.isolation.drivers.process.launcher.groups import Groups
from triform.substrates.isolation.drivers.process.launcher.plan import from_json
from triform.substrates.isolation.drivers.process.launcher.spawn import spawn
from triform.substrates.isolation.drivers.process.launcher.unbounded import Unbounded
from triform.substrates.isolation.drivers.process.launcher.units import Template, Unit, together, user_namespace

Answer = tuple[dict[str, Any] | None, list[int]]
"""What to answer (None = later, among the news) and the descriptors that go with it."""

_KEPT = 16
"""Groups kept per template for the next clones."""

_SLEPT_S, _STUCK_S = 0.1, 10.0
"""A killed clone is gone within milliseconds, hundreds of processes within a fraction of a second."""

_CLONES_PER_STEP = 16
_BYTES_PER_CLONE = 2 << 20
"""What a fork leaves charged to the template (page tables, stacks, namespaces), amply."""


class Refused(Exception):
    """A request that must not be carried out."""


class Warden:
    def __init__(self, groups: Groups, poll: select.epoll) -> None:
        self._groups, self._poll = groups, poll
        self._alive, self._life = os.pipe2(os.O_CLOEXEC)
        self._templates: dict[str, Template] = {}
        self._runs: dict[str, tuple[str, Unit]] = {}
        self._ears: dict[int, Callable[[], None]] = {}
        self._lingering: set[str] = set()
        self._ending: dict[str, float] = {}
        self._news: list[dict[str, Any]] = []
        self._count = 0

    @property
    def restless(self) -> bool:
        """Whether `tidy` has something to do without being asked."""
        return bool(self._lingering or self._ending) or isinstance(self._groups, Unbounded)

    def carry_out(self, request: dict[str, Any], passed: list[int]) -> Answer:
        """Raises OSError or Refused; KeyError and the like for a request that is none."""
        match request["do"]:
            case "spawn":
                return self._spawn(request, passed)
            case "bound":
                template = self._templates[request["template"]]
                template.harness = request["harness"]
                return self._bound(template, request["first"], request["runner"])
            case "usage":
                return self._usage(request["group"]), []
            case "end":
                return self._end(request)
            case "members":
                return self._members(self._templates[request["template"]]), []
            case "discard":
                return self._discard(request)
            case "about":
                return self._about(), []
        raise Refused("no such request")

    def heard(self, descriptor: int) -> None:
        """Something happened on a descriptor that was registered here."""
        ear = self._ears.get(descriptor)
        if ear:
            ear()

    def tidy(self) -> None:
        """Removes groups that could not be removed yet; without cgroups, looks who is over bounds."""
        self._lingering = {group for group in self._lingering if not self._groups.remove(group)}
        self._urge()
        if isinstance(self._groups, Unbounded):
            for group in self._groups.look():
                self._kill_group(group)

    def news(self) -> list[dict[str, Any]]:
        """What to tell the server, each once."""
        news, self._news = self._news, []
        return news

    def close(self) -> None:
        """Kills everything and waits for it; removes every group."""
        for template in list(self._templates.values()):
            template.kill()
            self._reap(template)
        deadline = time.monotonic() + 2
        for _, unit in self._runs.values():
            self._let_go(unit.group, unit.watch)
        while self._lingering and time.monotonic() < deadline:
            self.tidy()
            self._poll.poll(0.002)  # a group is let go a moment after its last process; nothing tells when
        self._groups.close()

    def _spawn(self, request: dict[str, Any], passed: list[int]) -> Answer:
        name = request["template"]
        if name in self._templates:
            raise Refused(f"template {name} is there already")
        template = spawn(name, from_json(request["plan"]), passed, self._groups, self._alive)
        template.spawning = request["id"]
        self._templates[name] = template
        self._listen(template.pidfd, lambda: self._reap(template))
        self._listen(template.trouble, lambda: self._started(template))
        self._listen_oom(template)
        return None, []

    def _started(self, template: Template) -> None:
        """The child's exec has closed its end, or it has said what went wrong."""
        trouble = os.read(template.trouble, 4096).decode(errors="replace")
        self._deafen(template.trouble)
        os.close(template.trouble)
        number, template.spawning = template.spawning, None
        if trouble:
            self._news.append({"id": number, "error": trouble})
        else:
            self._news.append({"id": number, "pid": template.pid, "uid": template.uid.number})

    def _about(self) -> dict[str, Any]:
        groups = self._groups
        return {
            "controllers": sorted(groups.controllers),
            "places": dict(groups.places),
            "root": os.geteuid() == 0,
        }

    def _bound(self, template: Template, first: int, runner: int) -> Answer:
        """Puts a clone's runner, and so all it will ever fork, into a group of its own. The first process of
        its pid namespace stays where it is: it does nothing, and is what there is to kill."""
        pidfd = os.pidfd_open(first)
        if user_namespace(runner) != template.namespace or not together(first, runner):
            os.close(pidfd)
            raise Refused(f"processes {first} and {runner} are no clone of template {template.name}")
        group, watch = template.free.pop() if template.free else self._make_group(template)
        try:
            self._groups.join(group, runner)
        except OSError:
            os.close(pidfd)
            self._let_go(group, watch)
            raise
        if isinstance(self._groups, Unbounded) and first != template.pid:
            self._groups.join(group, first)  # whom orphans of the runner go to
        unit = Unit(group, first, pidfd, watch)
        self._runs[group] = (template.name, unit)
        self._listen_oom(unit)
        self._make_room(template, 1)
        return {"group": group}, [os.dup(pidfd)]

    def _make_group(self, template: Template) -> tuple[str, int | None]:
        self._count += 1
        group = f"{template.name}.r{self._count}"
        try:
            self._groups.make(group, template.plan.clone)
            return group, self._groups.watch(group)
        except OSError:
            self._lingering.add(group)
            raise

    def _make_room(self, template: Template, change: int) -> None:
        template.clones += change
        steps = template.clones // _CLONES_PER_STEP
        if steps > template.widened:
            template.widened, own = steps, template.plan.own
            clones = steps * _CLONES_PER_STEP
            memory = own.memory and own.memory + clones * _BYTES_PER_CLONE
            self._groups.widen(template.group, memory, own.pids and own.pids + clones)

    def _members(self, template: Template) -> dict[str, Any]:
        """Who is in a template, and whether memory has run out for one of them."""
        oom = template.oom or self._groups.usage(template.group).oom_kills > 0
        return {"pids": self._groups.members(template.group), "oom": oom}

    def _usage(self, group: str) -> dict[str, Any]:
        """What a clone has used so far."""
        _, unit = self._runs[group]
        usage = self._groups.usage(group)
        return {"oom": unit.oom or usage.oom_kills > 0, "cpu_ms": usage.cpu_ms, "peak": usage.memory_peak}

    def _end(self, request: dict[str, Any]) -> Answer:
        """Kills a clone; answers once nothing of it is left, with its last numbers unless they are known."""
        group = request["group"]
        _, unit = self._runs[group]
        if group in self._ending:
            raise Refused(f"group {group} is ending already")
        if not unit.kill():
            return self._ended(group, request["told"]), []
        self._ending[group] = time.monotonic()
        news = {"id": request["id"]}
        self._listen(unit.pidfd, lambda: self._news.append(news | self._ended(group, request["told"])))
        return None, []

    def _ended(self, group: str, told: bool) -> dict[str, Any]:
        """`told`: the server has the figures. Then only memory that ran out can matter, which is heard of."""
        last = {"oom": self._runs[group][1].oom} if told else self._usage(group)
        name, unit = self._runs.pop(group)
        self._ending.pop(group, None)
        self._deafen(unit.pidfd)
        os.close(unit.pidfd)
        template = self._templates.get(name)
        if template:
            self._make_room(template, -1)
        if template and not last["oom"] and len(template.free) < _KEPT and self._groups.renew(group):
            template.free.append((group, unit.watch))
        else:
            self._let_go(group, unit.watch)
        return last

    def _urge(self) -> None:
        """A pid namespace is gone only when its template has waited for the runner. Should an interpreter sleep
        through the signal that comes just before it does, it is told again. One that never waits is killed."""
        now = time.monotonic()
        for group, begun in self._ending.items():
            template = self._templates.get(self._runs[group][0])
            if template and now > begun + _STUCK_S:
                template.kill()
            elif template and now > begun + _SLEPT_S:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(template.harness, signal.SIGCHLD)

    def _discard(self, request: dict[str, Any]) -> Answer:
        template = self._templates.get(request["template"])
        if template is None:
            return {}, []
        template.discarding.append(request["id"])
        template.kill()
        return None, []

    def _reap(self, template: Template) -> None:
        """The first process has ended, and with it everything in its pid namespace."""
        _, status = os.waitpid(template.pid, 0)
        status = int.from_bytes(os.read(template.status, 4), sys.byteorder) or status
        os.close(template.status)
        self._templates.pop(template.name, None)
        if template.spawning is not None:
            self._started(template)
        oom = template.oom or self._groups.usage(template.group).oom_kills > 0
        ended = os.waitstatus_to_exitcode(status)
        self._deafen(template.pidfd)
        os.close(template.pidfd)
        for group, watch in ((template.group, template.watch), *template.free):
            self._let_go(group, watch)
        template.uid.release()
        self._news += [{"id": number} for number in template.discarding]
        self._news.append({"gone": template.name, "code": max(ended, 0), "signal": max(-ended, 0), "oom": oom})

    def _let_go(self, group: str, watch: int | None) -> None:
        if watch is not None:
            self._deafen(watch)
            os.close(watch)
        if not self._groups.remove(group):
            self._lingering.add(group)

    def _listen_oom(self, unit: Unit) -> None:
        def out_of_memory() -> None:
            unit.oom = True
            unit.kill()
            self._deafen(watch)

        if unit.watch is not None:
            watch = unit.watch
            self._listen(watch, out_of_memory)

    def _kill_group(self, group: str) -> None:
        for unit in (*self._templates.values(), *(unit for _, unit in self._runs.values())):
            if unit.group == group:
                unit.kill()

    def _listen(self, descriptor: int, ear: Callable[[], None]) -> None:
        if descriptor not in self._ears:
            self._poll.register(descriptor, select.EPOLLIN)
        self._ears[descriptor] = ear

    def _deafen(self, descriptor: int) -> None:
        if descriptor in self._ears:
            del self._ears[descriptor]
            self._poll.unregister(descriptor)


def ignore_terminal_signals() -> None:
    """A Ctrl-C is meant for the server, which then drains; the launcher ends when the server does."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
