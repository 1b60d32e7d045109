"""What one sandbox holds that there is one supply of, or one of for all: another one's code does not notice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from tests.contracts.drivers.bench import ENVIRONMENT, anew, invoke, printed
from tests.escape.attempts import LOAD, RUN, Escapes
from triform.substrates.isolation.drivers.process.instance import ProcessInstance

OPEN = {
    "timers": "timers and queued signals are counted for the server's user, over all sandboxes",
    "descriptors on their way": "they are counted for the sandbox's user, who is the same for all without root",
    "locks": "files of the image are the same inodes for everybody: a lock on one is seen everywhere",
}


@pytest.mark.parametrize("supply", ["watchers", "timers", "descriptors on their way", "locks"])
async def test_nobody_can_take_what_others_need(
    escapes: Escapes, moment: str, supply: str, request: pytest.FixtureRequest
) -> None:
    if supply in OPEN and not (supply == "descriptors on their way" and escapes.of_root):
        # How many timers are left to others depends on what else the machine does just then.
        request.applymarker(pytest.mark.xfail(strict=supply != "timers", reason=OPEN[supply]))
    usual = await wanted(escapes, supply)
    async with held(escapes, moment, supply):
        assert await wanted(escapes, supply) == usual


async def wanted(escapes: Escapes, supply: str) -> Any:
    tried = await escapes.tried(RUN, "wants", supply)
    assert tried.cause == "ok", tried
    return tried.value


@asynccontextmanager
async def held(escapes: Escapes, moment: str, supply: str) -> AsyncIterator[ProcessInstance | None]:
    """By a template that has been loaded, or by a run of it that goes on."""
    environment = {**ENVIRONMENT, **({"ESCAPE": supply} if moment == LOAD else {})}
    source = escapes.source("prelude", "grabs", "and_stay")
    template = await escapes.bench.driver.template(
        escapes.bench.spec_of(f"grabs-{moment}", source, environment=environment)
    )
    run = None if moment == LOAD else await staying(await escapes.bench.driver.clone(template, anew()), supply)
    try:
        yield run
    finally:
        if run:
            await run.kill()
        await escapes.bench.driver.discard(template)


async def staying(run: ProcessInstance, supply: str) -> ProcessInstance:
    await invoke(run, escape=supply)
    async for frame in run.frames():
        if printed("held")(frame):
            break
    return run


async def test_what_others_read_cannot_be_watched(escapes: Escapes) -> None:
    async with held(escapes, RUN, "watching") as spy:
        await wanted(escapes, "watching")
        assert spy
        with anyio.move_on_after(0.3):
            async for frame in spy.frames():
                assert not printed("saw")(frame), frame
