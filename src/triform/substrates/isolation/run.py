"""One run on one READY instance: the protocol, the deadline, the caps; the same for every driver.

    send invoke ──► read frames until a result ──► read what is there ──► usage ──► Outcome
                              or the deadline, a cancellation, an end without a result
                                               └──► kill ──► read what is left ──► Outcome

The verdict is the guest's claim; what the driver saw from outside (`Exit.oom`) overrules it: a run is ended
when memory runs out for any of its processes, also when another could still answer. After a result the
guest has nothing more to say: whoever leased it ends it, and the caller does not wait for that.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from triform.clock import Clock
from triform.substrates.isolation import messages
from triform.substrates.isolation.calls import CallRefused, HostCalls, NoCalls
from triform.substrates.isolation.channel import control, data
from triform.substrates.isolation.interfaces import (
    Cause,
    DriverFault,
    Exit,
    Frame,
    GuestGone,
    Instance,
    ProtocolViolation,
)
from triform.substrates.isolation.outcome import Order, Outcome, complaint_about

PROGRESS_LIMIT = 64 << 10
CALLS_LIMIT = 64
_DRAIN_S = 5.0
_TIMER_S = 0.001
"""An event loop's timer may come so much early; no run is ended before its time."""
_STREAMS = {"O": "stdout", "E": "stderr"}


class Listener(Protocol):
    """What hears of a run while it goes on; every `RunContext` does."""

    def write(self, stream: str, data: bytes) -> None: ...

    def progress(self, percent: float | None, message: str, data: Any) -> None: ...

    async def cancelled(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    cause: Cause
    at: float
    error: messages.GuestError | None = None
    code: int | None = None
    signal: int | None = None
    detail: str = ""


_CLAIMS = frozenset({Cause.ok, Cause.handler_error, Cause.exit, Cause.signal, Cause.infra_after})
_SILENCE = _Verdict(cause=Cause.infra_after, at=0.0, detail="the sandbox ended without a word")


class Run:
    """Drives one order on one instance, once; the instance has been told who it is."""

    def __init__(
        self, instance: Instance, order: Order, listener: Listener, clock: Clock, calls: HostCalls | None = None
    ) -> None:
        self._instance = instance
        self._order = order
        self._listener = listener
        self._clock = clock
        self._calls = calls or NoCalls()
        self._output = bytearray()
        self._verdict: _Verdict | None = None
        self._limit: asyncio.Timeout | None = None
        self._answers: set[asyncio.Task[None]] = set()
        self._started = clock.monotonic()
        self._answered = False

    async def drive(self) -> Outcome:
        """Runs to the end. Without a result, and when this is cancelled, the instance is dead afterwards."""
        cancelled = asyncio.ensure_future(self._listener.cancelled())
        try:
            await self._talk_in_time(cancelled)
            ended = await (self._part() if self._answered else self._end())
        except BaseException:
            await asyncio.shield(self._end())
            raise
        finally:
            cancelled.cancel()
        return await self._outcome(self._verdict or _SILENCE, ended)

    async def _talk_in_time(self, cancelled: asyncio.Future[None]) -> None:
        """Until there is a verdict, the deadline, or a cancellation: which becomes the verdict."""
        left = self._started + self._order.timeout_ms / 1000 - self._clock.monotonic() + _TIMER_S
        try:
            async with asyncio.timeout(left) as self._limit:
                cancelled.add_done_callback(self._interrupt)
                await self._talk()
        except TimeoutError:
            self._decide(Cause.cancelled if cancelled.done() else Cause.timeout)
        finally:
            self._limit = None

    def _interrupt(self, cancelled: asyncio.Future[None]) -> None:
        if self._limit and not self._limit.expired():
            self._limit.reschedule(0)

    async def _part(self) -> Exit:
        """The result is there, and whatever was printed before it is in the pipes."""
        await self._hang_up()
        for frame in self._instance.rest():
            self._take(frame)
        try:
            return await self._instance.usage()
        except DriverFault:  # The work is done; only its figures are lost.
            return Exit()

    async def _end(self) -> Exit:
        """Kill, then read what the guest had written before it died."""
        try:
            return await self._instance.kill()
        finally:
            with contextlib.suppress(TimeoutError, ProtocolViolation):
                async with asyncio.timeout(_DRAIN_S):
                    async for frame in self._instance.frames():
                        self._take(frame)
            await self._hang_up()

    async def _hang_up(self) -> None:
        for task in self._answers:
            task.cancel()
        if self._answers:
            await asyncio.gather(*self._answers, return_exceptions=True)

    async def _talk(self) -> None:
        """Until there is a verdict."""
        try:
            await self._instance.send(*self._opening())
            async for frame in self._instance.frames():
                self._take(frame)
                if self._verdict:
                    return
        except GuestGone as gone:
            self._decide(Cause.infra_before, detail=f"the sandbox was gone before the work reached it: {gone}")
        except ProtocolViolation as violation:
            self._decide(Cause.protocol, detail=str(violation))
        self._decide(_SILENCE.cause, detail=_SILENCE.detail)

    def _opening(self) -> list[Frame]:
        order = self._order
        facts = {"run_id": order.run_id, "deadline_ms": order.timeout_ms, **order.facts}
        return [
            control("invoke", run=order.run_id, bytes=len(order.event), context=facts),
            *data(order.event),
        ]

    def _take(self, frame: Frame) -> None:
        """Output always counts; anything else only until the verdict."""
        if frame.kind in _STREAMS:
            self._listener.write(_STREAMS[frame.kind], frame.payload)
        elif self._verdict is None:
            try:
                self._collect(frame) if frame.kind == "D" else self._hear(frame)
            except ProtocolViolation as violation:
                self._decide(Cause.protocol, detail=str(violation))

    def _collect(self, frame: Frame) -> None:
        self._output += frame.payload
        if len(self._output) > self._order.output_limit:
            self._decide(Cause.output_limit, detail=f"more than {self._order.output_limit} bytes of output")

    def _hear(self, frame: Frame) -> None:
        match messages.parse(frame):
            case messages.Progress() as progress:
                self._progress(progress, len(frame.payload))
            case messages.Log() as log:
                self._listener.write("stderr", _line(log))
            case messages.HostCall() as call:
                self._ask(call)
            case messages.Result() as result:
                self._conclude(result)
            case messages.Exited(code=code, signal=signal):
                self._decide(Cause.exit if signal is None else Cause.signal, code=code, signal=signal)
            case messages.Ready():
                pass

    def _progress(self, progress: messages.Progress, size: int) -> None:
        if size > PROGRESS_LIMIT:
            raise ProtocolViolation(f"a progress message of {size} bytes, allowed are {PROGRESS_LIMIT}")
        percent = None if progress.percent is None else min(max(progress.percent, 0.0), 100.0)
        self._listener.progress(percent, progress.message, progress.data)

    def _ask(self, call: messages.HostCall) -> None:
        if len(self._answers) >= CALLS_LIMIT:
            raise ProtocolViolation(f"more than {CALLS_LIMIT} host calls at once")
        task = asyncio.create_task(self._reply(call))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _reply(self, call: messages.HostCall) -> None:
        try:
            reply = control("reply", id=call.id, ok=await self._calls.answer(call.method, call.params))
        except CallRefused as refused:
            reply = control("reply", id=call.id, error={"code": refused.code, "message": str(refused)})
        with contextlib.suppress(GuestGone):
            await self._instance.send(reply)

    def _conclude(self, result: messages.Result) -> None:
        if result.run != self._order.run_id:
            raise ProtocolViolation("a result for another run")
        if result.error is not None:
            cause = Cause.exit if result.error.kind == "exit" else Cause.handler_error
            self._decide(cause, error=result.error, code=result.error.status)
            self._answered = True
        elif result.bytes != len(self._output):
            raise ProtocolViolation(f"{result.bytes} bytes of output announced, {len(self._output)} sent")
        else:
            self._decide(Cause.ok)
            self._answered = True

    def _decide(self, cause: Cause, **known: Any) -> None:
        """The first verdict stands."""
        if self._verdict is None:
            self._verdict = _Verdict(cause=cause, at=self._clock.monotonic(), **known)

    async def _outcome(self, verdict: _Verdict, ended: Exit) -> Outcome:
        cause, detail = verdict.cause, verdict.detail
        if ended.oom and cause in _CLAIMS:
            cause = Cause.oom
        if cause is Cause.ok and (wrong := await complaint_about(bytes(self._output))):
            cause, detail = Cause.protocol, wrong
        return Outcome(
            cause=cause,
            output=bytes(self._output) if cause is Cause.ok else None,
            error=verdict.error if cause is not Cause.oom else None,
            code=verdict.code,
            signal=verdict.signal,
            detail=detail,
            duration_ms=(verdict.at - self._started) * 1000,
            exit=ended,
        )


def _line(log: messages.Log) -> bytes:
    fields = b" " + msgspec.json.encode(log.fields) if log.fields else b""
    return f"{log.level.upper()} {log.message}".encode() + fields + b"\n"
