"""What the executor sees of the sandboxes, over a scripted driver."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.isolation.scripted import ScriptedInstance
from tests.unit.isolation.world import World, answer, make_call
from triform.errors import TriformError
from triform.substrates.isolation.channel import control, parse_control
from triform.substrates.isolation.interfaces import Capabilities, DriverFault, Exit, Frame, LoadFailed
from triform.testing.listener import RecordingListener


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.substrate.start()
    yield world
    await world.substrate.stop()
    assert not world.driver.alive
    assert not world.driver.standing
    assert world.guard.counts.alive == 0


FINE = json.dumps({"errors": [], "warnings": [], "handler_found": True}).encode()


async def test_an_invoke_answers_with_output_usage_and_driver(world: World, listener: RecordingListener) -> None:
    world.answers.append(answer(b'{"n":1}'))
    ended = await world.substrate.perform(make_call(), listener)
    assert (ended.output, ended.failure, ended.isolation) == (b'{"n":1}', None, "scripted")
    assert ended.handler_started
    assert ended.usage.cold_start_ms > 0
    assert ended.usage.duration_ms > 0


async def test_what_was_printed_while_loading_belongs_to_the_run_that_waited(
    world: World, listener: RecordingListener
) -> None:
    await world.substrate.perform(make_call(), listener)
    assert listener.stdout == b"loading\n"
    second = RecordingListener()
    await world.substrate.perform(make_call(), second)
    assert second.stdout == b""


async def test_the_spec_reaches_the_sandbox_through_the_types_limits(
    world: World, listener: RecordingListener
) -> None:
    call = make_call(memory_mb=256, handler="other", environment={"A": "1", "HOME": "/home"}, timeout_ms=5000)
    await world.substrate.perform(call, listener)
    spec = world.driver.templates[0].spec
    assert (spec.limits.memory_mb, spec.handler, spec.entry) == (256, "other", "main.rb")
    assert spec.environment["A"] == "1"
    assert spec.environment["HOME"] == "/home"
    assert spec.environment.keys() == {"A", "PATH", "HOME", "LANG", "TZ", "TMPDIR"}
    thaw, invoke, _ = world.driver.instances[0].sent
    assert len(parse_control(thaw)["seed"]) == 88
    assert parse_control(invoke)["context"] == {
        "run_id": str(listener.run_id),
        "circle": "acme",
        "element": "greet",
        "operation": "invoke",
        "version": 3,
        "deadline_ms": 5000,
    }


async def test_a_failure_before_the_handler_began_is_repeated_once_in_a_fresh_template(
    world: World, listener: RecordingListener
) -> None:
    deaf = ScriptedInstance()
    deaf.deaf = True
    makers = [lambda: deaf]
    make = world.driver.make
    world.driver.make = lambda: makers.pop()() if makers else make()
    ended = await world.substrate.perform(make_call(), listener)
    assert ended.output == b"1"
    assert len(world.driver.templates) == 2


async def test_a_machine_that_stays_broken_is_a_platform_fault(world: World, listener: RecordingListener) -> None:
    world.driver.on_clone = lambda template: DriverFault("no clones today")
    ended = await world.substrate.perform(make_call(), listener)
    assert ended.failure
    assert (ended.failure.code, ended.handler_started) == ("PLATFORM_FAULT", False)


async def test_a_failure_after_the_handler_began_is_not_repeated(
    world: World, listener: RecordingListener
) -> None:
    world.answers += [[Frame("O", b"begun\n")], answer(b"1")]
    ended = await world.substrate.perform(make_call(), listener)
    assert ended.failure
    assert (ended.failure.code, ended.handler_started) == ("PLATFORM_FAULT", True)
    assert b"begun\n" in listener.stdout


async def test_code_that_cannot_be_loaded_is_a_failure_with_its_output(
    world: World, listener: RecordingListener
) -> None:
    world.driver.on_template = lambda spec: LoadFailed("exit", {"code": 3}, (Frame("E", b"bye\n"),), 12.0)
    ended = await world.substrate.perform(make_call(), listener)
    assert ended.failure
    assert ended.failure.code == "RUBY_EXECUTION_FAILED"
    assert (ended.usage.cold_start_ms, listener.stderr, ended.handler_started) == (12.0, b"bye\n", True)


async def test_memory_and_cpu_are_told_as_the_driver_saw_them(world: World, listener: RecordingListener) -> None:
    instance = ScriptedInstance(
        *answer(b"1")[:1],
        control("result", run=str(listener.run_id), bytes=1),
        exit_=Exit(cpu_ms=7.5, memory_peak_bytes=3 << 20),
    )
    world.driver.make = lambda: instance
    ended = await world.substrate.perform(make_call(), listener)
    await world.pool.stop()
    assert (ended.usage.cpu_ms, ended.usage.memory_peak_mb) == (7.5, 3.0)


async def test_a_run_cancelled_while_it_waits_for_a_sandbox_ends_cancelled(
    world: World, listener: RecordingListener
) -> None:
    world.driver.on_template = lambda spec: asyncio.Event().wait()
    listener.cancel()
    ended = await world.substrate.perform(make_call(), listener)
    assert (ended.cancelled, ended.failure, ended.handler_started) == (True, None, False)


async def test_a_cancelled_task_leaves_nothing_running(world: World, listener: RecordingListener) -> None:
    instance = ScriptedInstance(ends=False)
    world.driver.make = lambda: instance
    running = asyncio.create_task(world.substrate.perform(make_call(), listener))
    await instance.heard(3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert instance.dead.is_set()
    assert world.pool.facts()["leases"] == 0


async def test_a_missing_image_is_told_as_such(world: World, listener: RecordingListener) -> None:
    world.images.missing = True
    ended = await world.substrate.perform(make_call(), listener)
    assert ended.failure
    assert (ended.failure.code, ended.handler_started) == ("RUNTIME_IMAGE_MISSING", False)


async def test_a_deploy_checks_warms_and_pins(world: World, listener: RecordingListener) -> None:
    world.answers.append(answer(FINE))
    ended = await world.substrate.perform(make_call("deploy"), listener)
    assert ended.output
    told = json.loads(ended.output)
    assert (told["deploy_id"], told["status"], told["lock"]) == (str(listener.run_id), "deployed", None)
    assert told["bundle"] == {"digest": None, "bytes": 0, "gems": [], "cached": False}
    (pinned,) = world.deployments.recorded
    assert (pinned.version, pinned.deploy_id, pinned.runtime_image) == (3, listener.run_id, "sha256:newest")
    again = RecordingListener()
    await world.substrate.perform(make_call(), again)
    assert again.stdout == b"", "the first invoke after a deploy is warm"


async def test_a_deploy_of_code_that_does_not_parse_is_refused(world: World, listener: RecordingListener) -> None:
    problem = {"line": 2, "column": 4, "message": "unexpected end"}
    world.answers.append(answer(json.dumps({"errors": [problem]}).encode()))
    ended = await world.substrate.perform(make_call("deploy"), listener)
    assert ended.failure
    assert (ended.failure.code, ended.failure.message) == ("RUBY_SYNTAX_ERROR", "main.rb line 2: unexpected end")
    assert not world.deployments.recorded


async def test_a_deploy_tries_again_what_failed_to_load_before(world: World, listener: RecordingListener) -> None:
    failing = LoadFailed("load_error")
    world.driver.on_template = lambda spec: failing if spec.owner != "platform" else None
    assert (await world.substrate.perform(make_call(), listener)).failure
    world.answers.append(answer(FINE))
    assert (await world.substrate.perform(make_call("deploy"), listener)).failure
    world.driver.on_template = lambda spec: None
    assert (await world.substrate.perform(make_call(), listener)).failure, "a failed load is remembered"
    assert not (await world.substrate.perform(make_call("deploy"), listener)).failure


async def test_validate_source_tells_errors_or_a_missing_handler(world: World) -> None:
    asked = {"source": {"code": "def x("}, "handler": "y"}
    world.answers.append(
        answer(json.dumps({"warnings": ["no method y is defined"], "handler_found": False}).encode())
    )
    told = (await world.substrate.answer(make_call("validate_source", asked))).value
    assert told == {
        "valid": False,
        "errors": [{"line": None, "column": None, "message": "no method y is defined"}],
    }


async def test_diagnostics_prove_that_something_runs(world: World) -> None:
    world.answers.append(answer(FINE))
    told = (await world.substrate.answer(make_call("diagnostics"))).value
    assert (told["isolation_reachable"], told["worker_available"], told["last_error"]) == (True, True, None)
    assert (told["driver"], told["runtime_image"]) == ("scripted", "sha256:newest")


async def test_diagnostics_tell_what_is_broken(world: World) -> None:
    world.driver.on_template = lambda spec: DriverFault("no space left")
    told = (await world.substrate.answer(make_call("diagnostics"))).value
    assert (told["isolation_reachable"], told["worker_available"]) == (False, False)
    assert told["last_error"]
    with pytest.raises(TriformError):
        await world.substrate.ready()


async def test_a_machine_without_a_driver_says_why_and_how_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)

    async def probe() -> Capabilities:
        return Capabilities("scripted", available=False, strength="", why_not="no namespaces", fix="sysctl x=1")

    monkeypatch.setattr(world.driver, "probe", probe)
    await world.substrate.start()
    with pytest.raises(TriformError, match="no namespaces") as refused:
        await world.substrate.ready()
    assert refused.value.suggestion
    assert refused.value.suggestion.fix == "sysctl x=1"
    told = (await world.substrate.answer(make_call("diagnostics"))).value
    assert told["isolation_reachable"] is False
    assert "no namespaces" in told["last_error"]
    await world.substrate.stop()
