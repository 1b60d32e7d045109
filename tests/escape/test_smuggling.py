"""What a run leaves for another one of the same code: nothing, however it was prepared while the code was loaded.

The first run stays while the second one looks; the third comes when both are gone.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.contracts.drivers.bench import ENVIRONMENT, anew, invoke, printed
from tests.escape.attempts import Escapes
from triform.substrates.isolation.drivers.process.template import ProcessTemplate

WAYS = {
    "an open file": "files open",
    "a file without a name": "files open",
    "a place in a file": "files open",
    "a pipe": "files open",
    "a pair of sockets": "files open",
    "a counter of events": "files open",
    "memory without a name": "files open",
    "an open folder": "files open",
    "a mount": "mounted",
    "shared memory": "writable memory",
    "shared memory of a file": "writable memory",
    "a thread": "threads running",
    "a process": "processes running",
    "shared memory of a later moment": "",
    "names of sockets": "",
    "segments with a key": "",
    "the current folder": "",
    "the current folder of another disk": "",
    "a timer": "",
    "a trace": "",
}
"""And what the audit has against sharing the template, if anything."""


OPEN = {
    "shared memory of a later moment": "native code that is called when the template forks maps it after the audit"
}


@pytest.mark.parametrize("way", WAYS)
async def test_no_way_leads_from_one_run_to_the_next(
    escapes: Escapes, way: str, request: pytest.FixtureRequest
) -> None:
    if way in OPEN:
        request.applymarker(pytest.mark.xfail(strict=True, reason=OPEN[way]))
    async with loaded(escapes, way) as template:
        assert await escapes.beside_the_neighbour(found_by_later_runs(escapes, template)) == [None, None]
        assert any(WAYS[way] in warning for warning in template.warnings) == bool(WAYS[way])


async def found_by_later_runs(escapes: Escapes, template: ProcessTemplate) -> list[object]:
    first = await escapes.bench.driver.clone(template, anew())
    await invoke(first, value="first", stay=True)
    async for frame in first.frames():
        if printed("staying")(frame):
            break
    second = await escapes.bench.run(template, value="second")
    await first.kill()
    third = await escapes.bench.run(template, value="third")
    assert second.last("result"), second
    assert third.last("result"), third
    return [second.output, third.output]


@asynccontextmanager
async def loaded(escapes: Escapes, way: str) -> AsyncIterator[ProcessTemplate]:
    source = escapes.source("prelude", "smuggling")
    spec = escapes.bench.spec_of("smuggling", source, environment={**ENVIRONMENT, "ESCAPE": way})
    template = await escapes.bench.driver.template(spec)
    try:
        yield template
    finally:
        await escapes.bench.driver.discard(template)
