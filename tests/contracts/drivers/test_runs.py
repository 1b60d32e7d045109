"""What a run is given, who it is, and what is left of it for the next one: nothing."""

from typing import Any

import pytest

from tests.contracts.drivers import outside
from tests.contracts.drivers.bench import Bench, anew, finish, invoke
from triform.substrates.isolation.drivers.process.driver import ProcessDriver
from triform.substrates.isolation.drivers.process.template import ProcessTemplate
from triform.substrates.isolation.interfaces import LoadFailed


async def answer(bench: Bench, probes: ProcessTemplate, probe: str, **arguments: Any) -> Any:
    ran = await bench.run(probes, probe, **arguments)
    assert ran.output is not None, ran
    return ran.output


async def test_what_goes_in_comes_out(bench: Bench, probes: ProcessTemplate) -> None:
    value = {"text": "grüße", "number": 2**60, "list": [None, True, 1.5]}
    assert await answer(bench, probes, "echo", value=value) == value


async def test_ordinary_programs_work_inside(bench: Bench, probes: ProcessTemplate) -> None:
    assert await answer(bench, probes, "threads") == sum(at * at for at in range(8))
    assert await answer(bench, probes, "shell") == ["42\n", "a\nb\n"]
    assert await answer(bench, probes, "files") == "one"
    assert (await answer(bench, probes, "clock"))[1] >= 2025
    await answer(bench, probes, "jit")


async def test_nothing_is_left_for_the_next_run(bench: Bench, probes: ProcessTemplate) -> None:
    assert [await answer(bench, probes, "count") for _ in range(3)] == [1, 1, 1]
    assert [await answer(bench, probes, "leave files") for _ in range(2)] == [[], []]


async def test_random_numbers_differ_between_runs(bench: Bench, probes: ProcessTemplate) -> None:
    drawn = [await answer(bench, probes, "random") for _ in range(3)]
    for kind in zip(*drawn, strict=True):
        assert len(set(kind)) == 3


async def test_a_run_is_nobody_and_not_the_first_process(bench: Bench, probes: ProcessTemplate) -> None:
    seen = await answer(bench, probes, "pid")
    assert seen["pid"] > 1
    assert seen["parent"] == 0  # outside of what it can see
    assert (seen["uid"], seen["gid"]) == (1000, 1000)


async def test_a_signal_to_its_process_group_reaches_nobody_else(bench: Bench, probes: ProcessTemplate) -> None:
    """A group goes through pid namespaces: sharing one would be a way to kill others."""
    neighbour = await bench.driver.clone(probes, anew())
    killed = await bench.run(probes, "kill the group")
    await invoke(neighbour, "echo", value="still here")
    assert killed.last("exited")["signal"] == 9
    assert (await finish(neighbour)).output == "still here"
    assert await answer(bench, probes, "echo", value="and so is the template") == "and so is the template"


async def test_code_that_loads_reaches_only_itself_with_a_signal_to_its_group(bench: Bench) -> None:
    neighbour = await bench.driver.template(bench.spec("probes"))
    with pytest.raises(LoadFailed) as failed:
        await bench.driver.template(bench.spec("kills_its_group"))
    assert failed.value.cause == "signal"
    assert await answer(bench, neighbour, "echo", value="still here") == "still here"
    await bench.driver.discard(neighbour)


async def test_no_privilege_is_left(bench: Bench, probes: ProcessTemplate) -> None:
    status = await answer(bench, probes, "status")
    capabilities = {name: int(value, 16) for name, value in status.items() if name.startswith("Cap")}
    assert capabilities.pop("CapBnd") == 1 << 21 | 1 << 18
    assert set(capabilities.values()) == {0}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


async def test_no_namespace_is_the_host_s_and_a_run_shares_only_three_with_its_template(
    bench: Bench, probes: ProcessTemplate
) -> None:
    """Also where the filter refuses the calls that would reach something there."""
    kinds = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}
    host, template = outside.namespaces("self"), outside.namespaces(probes.pid)
    own = await answer(bench, probes, "namespaces")
    assert [kind for kind in kinds if host[kind] in (template[kind], own[kind])] == []
    assert {kind for kind in kinds if own[kind] == template[kind]} == {"cgroup", "net", "user"}


async def test_what_no_run_needs_is_bounded_to_nothing(bench: Bench, probes: ProcessTemplate) -> None:
    """The kernel would write a core dump where the host says, outside of the sandbox."""
    assert await answer(bench, probes, "limits") == {
        "CORE": [0],
        "MSGQUEUE": [0],
        "MEMLOCK": [65536],
        "NOFILE": [bench.spec("probes").limits.open_files],
    }


async def test_when_the_host_runs_out_of_memory_sandboxes_are_the_first_to_go(
    bench: Bench, probes: ProcessTemplate
) -> None:
    assert outside.oom_score(probes.pid) == 800


async def test_the_template_and_its_runs_are_not_the_servers_user(
    bench: Bench, driver: ProcessDriver, probes: ProcessTemplate
) -> None:
    as_root = outside.of_root(driver.launcher_pid or 0)
    other = await driver.template(bench.spec("plain"))
    uids = {outside.host_uid(probes.pid), outside.host_uid(other.pid)}
    assert 0 not in uids
    assert len(uids) == (2 if as_root else 1)
    await driver.discard(other)
