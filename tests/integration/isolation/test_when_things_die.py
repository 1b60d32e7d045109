"""When the server is killed, nothing of its sandboxes outlives it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.contracts.drivers import outside
from tests.contracts.drivers.bench import anew, eventually
from triform.substrates.isolation.drivers.process.driver import ProcessDriver
from triform.substrates.isolation.images import Images
from triform.substrates.isolation.interfaces import DriverFault, Limits, TemplateSpec
from triform.substrates.isolation.languages import read_languages
from triform.testing.groups import homes_of

REPOSITORY = Path(__file__).parents[3]

SERVER = """
import asyncio, json, sys
from pathlib import Path
from triform.clock import SystemClock
from triform.substrates.isolation.drivers.process.driver import ProcessDriver
from triform.substrates.isolation.interfaces import Limits, TemplateSpec
from triform.substrates.isolation.languages import read_languages
from triform.substrates.isolation.maker import thaw

async def main():
    driver = ProcessDriver(read_languages())
    await driver.start()
    spec = TemplateSpec("ruby", Path(sys.argv[1]), Path(sys.argv[2]), "main.rb", "handler", Limits(64), 10000)
    template = await driver.template(spec)
    clones = [await driver.clone(template, thaw(SystemClock())) for _ in range(3)]
    print(json.dumps({"launcher": driver.launcher_pid, "template": template.pid}), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
async def image() -> Path:
    return (await Images(REPOSITORY / ".triform" / "images").build(read_languages()["ruby"])).root


def with_code(folder: str) -> None:
    Path(folder).chmod(0o755)
    Path(folder, "main.rb").write_text("def handler(input) = input\n")


def started(image: Path, code: str) -> tuple[subprocess.Popen[str], dict[str, Any], str]:
    with_code(code)
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(image), code], stdout=subprocess.PIPE, text=True)
    assert server.stdout
    told = json.loads(server.stdout.readline())
    return server, told, outside.user_namespace(told["template"])


async def test_a_killed_server_takes_its_sandboxes_with_it(image: Path) -> None:
    with TemporaryDirectory() as code:
        server, told, namespace = started(image, code)
        with server:
            assert len(outside.pids_in(namespace)) == (1 + 3) * 2  # each below a first process
            server.kill()
        await eventually(lambda: not outside.pids_in(namespace))
        await eventually(lambda: not outside.lives(told["launcher"]))
        assert not homes_of(told["launcher"])


async def test_a_killed_launcher_takes_its_sandboxes_too_and_its_groups_go_at_the_next_start(image: Path) -> None:
    with TemporaryDirectory() as code:
        server, told, namespace = started(image, code)
        with server:
            os.kill(server.pid, signal.SIGSTOP)
            os.kill(told["launcher"], signal.SIGKILL)
            try:
                await eventually(lambda: not outside.pids_in(namespace))
            finally:
                server.kill()
    next_one = ProcessDriver(read_languages())
    await next_one.start()
    assert not homes_of(told["launcher"])
    await next_one.stop()


async def test_a_driver_whose_launcher_died_goes_on_with_a_new_one(image: Path) -> None:
    driver = ProcessDriver(read_languages())
    await driver.start()
    with TemporaryDirectory() as code:
        with_code(code)
        spec = TemplateSpec("ruby", image, Path(code), "main.rb", "handler", Limits(64), 10_000)
        template = await driver.template(spec)
        instance = await driver.clone(template, anew())
        first = driver.launcher_pid
        os.kill(first or 0, signal.SIGKILL)
        await eventually(lambda: not template.alive)
        with pytest.raises(DriverFault):
            await driver.clone(template, anew())
        await instance.kill()
        await driver.discard(template)
        again = await driver.template(spec)
        assert driver.launcher_pid != first
        await (await driver.clone(again, anew())).kill()
    await driver.stop()


async def test_code_is_not_to_blame_for_a_launcher_that_dies_while_it_loads(image: Path) -> None:
    driver = ProcessDriver(read_languages())
    await driver.start()
    with TemporaryDirectory() as code:
        with_code(code)
        (Path(code) / "main.rb").write_text("Process.setproctitle('deep in user code')\nsleep\n")
        spec = TemplateSpec("ruby", image, Path(code), "main.rb", "handler", Limits(64), 30_000)
        loading = asyncio.create_task(driver.template(spec))
        launcher = driver.launcher_pid or 0
        await eventually(lambda: "deep in user code" in titles_below(launcher))
        os.kill(launcher, signal.SIGKILL)
        with pytest.raises(DriverFault):
            await loading
    await driver.stop()


def titles_below(launcher: int) -> set[str]:
    """Of harnesses."""
    first = outside.children_of(launcher)
    return {outside.title_of(pid) for parent in first for pid in outside.children_of(parent)}


async def test_a_harness_that_does_not_start_is_not_the_users_fault(image: Path) -> None:
    broken = replace(read_languages()["ruby"], command=("/bin/sh", "-c", "echo no interpreter >&2; exit 1"))
    driver = ProcessDriver({"ruby": broken})
    await driver.start()
    with TemporaryDirectory() as code:
        with_code(code)
        with pytest.raises(DriverFault, match="no interpreter"):
            await driver.template(
                TemplateSpec("ruby", image, Path(code), "main.rb", "handler", Limits(64), 10_000)
            )
    await driver.stop()
