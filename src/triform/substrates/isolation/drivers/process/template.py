"""A template: one loaded process in its sandbox, from spawn to audit, and the end of it."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Mapping
from typing import Any

from triform.substrates.isolation.drivers.process.audit import Baseline, audit, baseline, no_more_threads
from triform.substrates.isolation.drivers.process.conversation import Conversation, Ended
from triform.substrates.isolation.drivers.process.launcher.plan import CLONES_FIRST, Plan
from triform.substrates.isolation.drivers.process.link import Link
from triform.substrates.isolation.drivers.process.plans import encoded_run_filter, tmp_bytes
from triform.substrates.isolation.interfaces import (
    DriverFault,
    Frame,
    GuestGone,
    LoadFailed,
    ProtocolViolation,
    StillBorn,
    Template,
    TemplateSpec,
)

PROTOCOL = 1
_CLONES_AT_ONCE = 4
_UNLOADED = frozenset({"syntax_error", "handler_not_found", "load_error", "exit"})


class ProcessTemplate(Template):
    """`reusable` is False when every run must get a process of its own."""

    def __init__(self, name: str, spec: TemplateSpec, link: Link) -> None:
        self.name = name
        self.spec = spec
        self.reusable = True
        self.warnings: tuple[str, ...] = ()
        self.load_ms = 0.0
        self.load_output: tuple[Frame, ...] = ()
        self.first = self.pid = 0
        """The first process of its pid namespace, and the harness; numbers of the host."""
        self.forks = True
        self.turn = asyncio.Semaphore(_CLONES_AT_ONCE)
        """While one clone is bounded and confines itself, the template can fork the next."""
        self.spare: ProcessTemplate | None = None
        """Not reusable: a loaded process that no run has used yet."""
        self._link = link
        self._before: Baseline | None = None
        self._conversation: Conversation | None = None
        self._gone: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()

    @property
    def alive(self) -> bool:
        return not self._gone.done() and self._conversation is not None and self._conversation.open

    @property
    def conversation(self) -> Conversation:
        if self._conversation is None:
            raise DriverFault("the template has not been started")
        return self._conversation

    async def start(self, plan: Plan, forks: bool) -> None:
        """Spawn, load, freeze, audit. Raises LoadFailed or DriverFault; nothing is left of it then."""
        self.forks = forks
        try:
            await self._spawn(plan)
            await self._load_in_time()
            if forks:
                await self._freeze()
            else:
                self.reusable = False
        except BaseException:
            await asyncio.shield(self.discard())
            raise

    async def discard(self) -> None:
        """Kills the sandbox with everything in it and waits until nothing is left; idempotent."""
        if self.first:
            with contextlib.suppress(DriverFault):  # a launcher that is gone has taken it along
                await self._link.ask("discard", template=self.name)
            self.first = self.pid = 0
        if self._conversation:
            self._conversation.close()
        spare, self.spare = self.spare, None
        if spare:
            await spare.discard()

    async def _spawn(self, plan: Plan) -> None:
        ours, theirs = socket.socketpair()
        out, err = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        ours.setblocking(False)
        for end in (out[0], err[0]):
            os.set_blocking(end, False)
        self._conversation = Conversation(ours, out[0], err[0])
        self._link.on_gone(self.name, self._gone.set_result)
        passed = (theirs.fileno(), out[1], err[1])
        try:
            told = await self._link.ask("spawn", passed, template=self.name, plan=plan.as_json())
        finally:
            theirs.close()
            os.close(out[1])
            os.close(err[1])
        self.first = told["pid"]

    async def _load_in_time(self) -> None:
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.spec.load_timeout_ms / 1000):
                await self._load()
        except (TimeoutError, GuestGone, ProtocolViolation) as failure:
            raise await self._explain(failure, started) from None
        finally:
            self.load_ms = (time.monotonic() - started) * 1000
            self.load_output = self.conversation.printed

    async def _load(self) -> None:
        hello = await self.conversation.ask("hello", proto=PROTOCOL)
        if hello["type"] != "hello" or hello.get("proto") != PROTOCOL:
            raise DriverFault(f"the harness of {self.spec.language} does not speak protocol {PROTOCOL}")
        self.pid = self.conversation.speaker()
        self._before = baseline(self.pid)
        answer = await self.conversation.ask("load", **self._load_members())
        if answer["type"] == "load_failed" and answer.get("cause") in _UNLOADED:
            error = answer.get("error")
            raise LoadFailed(
                answer["cause"], error if isinstance(error, dict) else None, self.conversation.printed
            )
        if answer["type"] != "loaded":
            raise ProtocolViolation(f"{answer['type']} instead of loaded")
        warnings = answer.get("warnings")
        self.warnings = tuple(map(str, warnings[:20])) if isinstance(warnings, list) else ()

    def _load_members(self) -> dict[str, Any]:
        spec = self.spec
        return {
            "root": "/app",
            "entry": spec.entry,
            "handler": spec.handler,
            "bundle": "/bundle" if spec.bundle else None,
            "environment": dict(spec.environment),
            "memory_mb": spec.limits.memory_mb,
            "sandbox": {
                "tmpfs": f"size={tmp_bytes(spec.limits)},mode=1777",
                "filter": encoded_run_filter(),
                "init": CLONES_FIRST,
            },
        }

    async def _explain(self, failure: Exception, started: float) -> LoadFailed | DriverFault:
        """Why loading ended without an answer: seen from outside, after the sandbox has been killed.

        User code is to blame only once the harness has said hello."""
        in_time = not isinstance(failure, TimeoutError)
        first, self.first, self.pid = self.first, 0, 0
        if isinstance(failure, GuestGone):
            await asyncio.wait([self._gone], timeout=1)
        died = self._gone.done()
        if first:
            with contextlib.suppress(DriverFault):
                await self._link.ask("discard", template=self.name)
        self.conversation.read_to_end()
        gone = self._gone.result() if self._gone.done() else {}
        if "launcher" in gone:
            return DriverFault("the launcher ended, and the template with it")
        if self._before is None:
            return DriverFault(f"the harness did not start: {failure}: {_text(self.conversation.printed)}")
        cause = _cause(gone, in_time, died)
        error = {"code": gone.get("code"), "signal": gone.get("signal"), "message": str(failure)}
        return LoadFailed(cause, error, self.conversation.printed, (time.monotonic() - started) * 1000)

    async def _freeze(self) -> None:
        """By now user code has been at the harness: what is said wrongly, or not at all, is its doing."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.spec.load_timeout_ms / 1000):
                await self._be_frozen()
        except (TimeoutError, ProtocolViolation) as failure:
            raise await self._explain(failure, began) from None
        except GuestGone as gone:
            raise await self._lost(gone) from gone
        await self._look()

    async def _be_frozen(self) -> None:
        answer = await self.conversation.ask("freeze")
        if answer["type"] != "frozen":
            raise ProtocolViolation(f"{answer['type']} instead of frozen")

    async def _lost(self, gone: GuestGone) -> LoadFailed | StillBorn:
        """Why what was loaded ended before it was frozen: by itself, or because something else did."""
        await asyncio.wait([self._gone], timeout=1)
        if self._gone.done() and self._gone.result()["oom"]:
            return LoadFailed("oom", None, self.conversation.printed)
        return StillBorn(f"the template was lost while it froze: {gone}")

    async def _look(self) -> None:
        members = await self._link.ask("members", template=self.name)
        if members["oom"]:
            raise LoadFailed("oom", None, self.conversation.printed)
        others = set(members["pids"]) - {self.first, self.pid}
        try:
            findings = audit(self.pid, self._before, others) if self._before else ("was not looked at",)
        except OSError as error:
            raise DriverFault(f"the template was lost while it was looked at: {error}") from error
        if findings:
            self.refuse_sharing(findings)

    def watch(self, clone: int, ended: Ended) -> None:
        """`ended` is called once, with what is known about the end of a clone's runner."""
        if self.forks:
            return self.conversation.watch(clone, ended)
        self._gone.add_done_callback(lambda gone: ended(gone.result()["code"], gone.result()["signal"] or None))

    def look_again(self) -> None:
        """The part of the audit that is cheap enough for every clone."""
        if self.alive and self._before and not no_more_threads(self.pid, self._before):
            self.refuse_sharing(("started threads after it was loaded",))

    def refuse_sharing(self, findings: tuple[str, ...]) -> None:
        """From now on every run loads the code anew: slower, correct."""
        self.reusable = False
        self.warnings += tuple(f"User code {finding}; every run loads it anew." for finding in findings)


def _cause(gone: Mapping[str, Any], in_time: bool, died: bool) -> str:
    if gone.get("oom"):
        return "oom"
    if not in_time:
        return "timeout"
    if not died:
        return "protocol"
    return "signal" if gone.get("signal") else "exit"


def _text(printed: tuple[Frame, ...]) -> str:
    return b"".join(frame.payload for frame in printed).decode(errors="replace")[-2000:]
