"""One run on one instance: every way it can end, and what is kept of it."""

import asyncio
import json

import pytest

from tests.unit.isolation.scripted import ScriptedInstance
from triform.clock import SystemClock
from triform.substrates.isolation.calls import CallRefused
from triform.substrates.isolation.channel import control, parse_control
from triform.substrates.isolation.interfaces import Cause, Exit, Frame, ProtocolViolation
from triform.substrates.isolation.outcome import Order, Outcome
from triform.substrates.isolation.run import Run
from triform.testing.listener import RecordingListener


def order(timeout_ms: int = 60_000, output_limit: int = 100, event: bytes = b"{}") -> Order:
    return Order(run_id="r", event=event, timeout_ms=timeout_ms, output_limit=output_limit)


async def drive(instance: ScriptedInstance, listener: RecordingListener, asked: Order | None = None) -> Outcome:
    return await Run(instance, asked or order(), listener, SystemClock()).drive()


def result(output: bytes) -> list[Frame]:
    return [Frame("D", output), control("result", run="r", bytes=len(output))]


ERROR = {"kind": "exception", "class": "KeyError", "message": "x", "backtrace": []}


async def test_a_result_is_passed_on_byte_by_byte(listener: RecordingListener) -> None:
    instance = ScriptedInstance(Frame("D", b'{"n":1.'), Frame("D", b"10}"), control("result", run="r", bytes=10))
    outcome = await drive(instance, listener)
    assert (outcome.cause, outcome.output) == (Cause.ok, b'{"n":1.10}')
    assert not instance.dead.is_set()  # Whoever leased it ends it; the caller does not wait for that.


async def test_invoke_carries_event_and_context(listener: RecordingListener) -> None:
    instance = ScriptedInstance(*result(b"1"))
    await drive(instance, listener, order(event=b'{"a":1}'))
    invoke, event = instance.sent
    assert parse_control(invoke)["bytes"] == 7
    assert parse_control(invoke)["context"]["run_id"] == "r"
    assert event == Frame("D", b'{"a":1}')


@pytest.mark.parametrize(
    ("frames", "cause"),
    [
        ([control("result", run="r", error=ERROR)], Cause.handler_error),
        ([control("result", run="r", error={**ERROR, "kind": "exit", "status": 3})], Cause.exit),
        ([control("exited", code=3)], Cause.exit),
        ([control("exited", signal=11)], Cause.signal),
        ([], Cause.infra_after),
        ([Frame("D", b"x" * 101)], Cause.output_limit),
        ([Frame("J", b"nonsense")], Cause.protocol),
        ([control("no-such-message")], Cause.protocol),
        ([control("result", run="r", error={"kind": "invented", "class": "X", "message": ""})], Cause.protocol),
        ([control("result", run="another", bytes=0)], Cause.protocol),
        ([control("result", run="r", bytes=5)], Cause.protocol),
        (result(b"{nonsense"), Cause.protocol),
        (result(b'"\xff"'), Cause.protocol),
        (result(b"[1] 2"), Cause.protocol),
        ([Frame("W", b"")], Cause.protocol),
        ([ProtocolViolation("a torn frame")], Cause.protocol),
        ([control("progress", percent=1, message="x" * 70_000)], Cause.protocol),
    ],
)
async def test_each_end_has_one_cause(
    frames: list[Frame | Exception], cause: Cause, listener: RecordingListener
) -> None:
    outcome = await drive(ScriptedInstance(*frames), listener)
    assert (outcome.cause, outcome.output) == (cause, None)


async def test_output_nested_too_deep_is_refused(listener: RecordingListener) -> None:
    outcome = await drive(ScriptedInstance(*result(b"[" * 101 + b"]" * 101)), listener, order(output_limit=1000))
    assert outcome.cause is Cause.protocol
    assert "101 levels" in outcome.detail


@pytest.mark.parametrize("frames", [[control("exited", signal=9)], [control("exited", code=1)], []])
async def test_an_end_without_a_result_is_oom_when_the_driver_saw_it(
    frames: list[Frame], listener: RecordingListener
) -> None:
    outcome = await drive(ScriptedInstance(*frames, exit_=Exit(oom=True, memory_peak_bytes=7)), listener)
    assert (outcome.cause, outcome.exit.memory_peak_bytes) == (Cause.oom, 7)


@pytest.mark.parametrize("frames", [result(b"1"), [control("result", run="r", error=ERROR)]])
async def test_a_result_does_not_stand_when_a_child_ran_out_of_memory(
    frames: list[Frame], listener: RecordingListener
) -> None:
    outcome = await drive(ScriptedInstance(*frames, exit_=Exit(oom=True)), listener)
    assert (outcome.cause, outcome.output, outcome.error) == (Cause.oom, None, None)


async def test_the_first_verdict_stands(listener: RecordingListener) -> None:
    late = [control("result", run="r", error=ERROR), Frame("J", b"nonsense"), *result(b"2")]
    outcome = await drive(ScriptedInstance(*result(b"1"), *late), listener)
    assert (outcome.cause, outcome.output) == (Cause.ok, b"1")


async def test_what_is_in_the_pipes_when_the_result_comes_is_kept(listener: RecordingListener) -> None:
    instance = ScriptedInstance(Frame("O", b"before\n"), *result(b"1"), Frame("E", b"between\n"), ends=False)
    await drive(instance, listener)
    assert listener.written == [("stdout", b"before\n"), ("stderr", b"between\n")]


async def test_what_a_killed_guest_left_in_the_pipes_is_kept(listener: RecordingListener) -> None:
    instance = ScriptedInstance(Frame("O", b"before\n"), ends=False)
    instance.after_kill = [Frame("O", b"from the pipe\n")]
    await drive(instance, listener, order(timeout_ms=20))
    assert listener.written == [("stdout", b"before\n"), ("stdout", b"from the pipe\n")]


async def test_the_deadline_kills_and_keeps_what_was_printed(listener: RecordingListener) -> None:
    instance = ScriptedInstance(Frame("O", b"working\n"), ends=False)
    outcome = await drive(instance, listener, order(timeout_ms=20))
    assert (outcome.cause, listener.stdout) == (Cause.timeout, b"working\n")
    assert instance.dead.is_set()
    assert outcome.duration_ms >= 20


async def test_cancellation_kills_at_once(listener: RecordingListener) -> None:
    instance = ScriptedInstance(ends=False)
    listener.cancel()
    outcome = await drive(instance, listener)
    assert outcome.cause is Cause.cancelled
    assert instance.dead.is_set()


async def test_a_cancelled_task_ends_the_sandbox_before_it_goes(listener: RecordingListener) -> None:
    instance = ScriptedInstance(Frame("O", b"working\n"), ends=False)
    running = asyncio.create_task(drive(instance, listener))
    await instance.heard(2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert instance.dead.is_set()


async def test_a_guest_that_was_gone_before_the_work_reached_it_may_be_repeated(
    listener: RecordingListener,
) -> None:
    instance = ScriptedInstance()
    instance.deaf = True
    outcome = await drive(instance, listener)
    assert (outcome.cause, outcome.handler_started) == (Cause.infra_before, False)


async def test_progress_is_bounded_to_a_hundred(listener: RecordingListener) -> None:
    told = [control("progress", percent=500, message="m", data={"a": 1}), control("progress", percent=-1)]
    await drive(ScriptedInstance(*told, *result(b"1")), listener)
    assert listener.progressed == [(100.0, "m", {"a": 1}), (0.0, "", None)]


async def test_a_structured_line_becomes_a_line_of_the_log(listener: RecordingListener) -> None:
    await drive(
        ScriptedInstance(control("log", level="info", message="hi", fields={"a": 1}), *result(b"1")), listener
    )
    assert listener.stderr == b'INFO hi {"a":1}\n'


class Answers:
    async def answer(self, method: str, params: object) -> object:
        if method == "add" and isinstance(params, list):
            return sum(params)
        raise CallRefused("UNKNOWN_METHOD", method)


async def test_host_calls_are_answered_by_number(listener: RecordingListener) -> None:
    calls = [control("call", id=1, method="add", params=[1, 2]), control("call", id=2, method="fly")]
    instance = ScriptedInstance(*calls, ends=False)
    running = asyncio.create_task(Run(instance, order(), listener, SystemClock(), Answers()).drive())
    replies = [json.loads(frame.payload) for frame in (await instance.heard(4))[2:]]
    running.cancel()
    assert {"type": "reply", "id": 1, "ok": 3} in replies
    assert {"type": "reply", "id": 2, "error": {"code": "UNKNOWN_METHOD", "message": "fly"}} in replies
    await asyncio.gather(running, return_exceptions=True)


async def test_a_flood_of_host_calls_is_a_violation(listener: RecordingListener) -> None:
    class Never:
        async def answer(self, method: str, params: object) -> object:
            await asyncio.Event().wait()

    calls = [control("call", id=number, method="x") for number in range(65)]
    outcome = await Run(ScriptedInstance(*calls, ends=False), order(), listener, SystemClock(), Never()).drive()
    assert outcome.cause is Cause.protocol
