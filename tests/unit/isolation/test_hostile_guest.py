"""Whatever a guest says, its run ends in one typed failure or in JSON, and its sandbox is gone."""

import json
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hunting import examples
from tests.shipped import CATALOGUE
from tests.unit.isolation.world import RUBY, World, make_call
from triform.runs.call import Call
from triform.runs.failures import failure_json
from triform.substrates.isolation.channel import KINDS
from triform.substrates.isolation.interfaces import Frame, LoadFailed
from triform.testing.listener import RecordingListener

TEXT = st.text(max_size=6) | st.sampled_from(["main.rb", "exit", "exception", "\n", "🎉", "../..", "result"])
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([2**63, -(10**40), 1e308, 0, 9, -1]) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
PLACES = st.lists(
    st.fixed_dictionaries({"file": TEXT, "line": st.integers()}, optional={"label": TEXT}), max_size=3
)
ERRORS: st.SearchStrategy[Any] = st.recursive(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(
                ["exception", "exit", "unserialisable", "load_error", "syntax_error", "other"]
            ),
            "class": TEXT,
            "message": TEXT,
        },
        optional={
            "backtrace": PLACES,
            "path": TEXT,
            "status": st.integers(),
            "missing": TEXT,
            "network": st.booleans(),
            "errors": st.lists(
                st.fixed_dictionaries({"line": st.integers(), "column": st.integers(), "message": TEXT}),
                max_size=2,
            ),
        },
    ),
    lambda cause: st.fixed_dictionaries(
        {"kind": st.just("exception"), "class": TEXT, "message": TEXT, "cause": cause}
    ),
    max_leaves=3,
)
RUN = "THIS RUN"
"""What the scripted guest replaces by the id of its run."""
SENSIBLE = st.one_of(
    st.fixed_dictionaries({"type": st.just("result"), "run": st.just(RUN), "bytes": st.integers(0, 4)}),
    st.fixed_dictionaries({"type": st.just("result"), "run": st.just(RUN), "error": ERRORS}),
    st.fixed_dictionaries({"type": st.just("exited")}, optional={"code": st.integers(), "signal": st.integers()}),
    st.fixed_dictionaries({"type": st.just("progress"), "percent": st.floats(allow_nan=False), "data": ODD}),
    st.fixed_dictionaries({"type": st.just("log"), "level": TEXT, "message": TEXT, "fields": ODD}),
    st.fixed_dictionaries({"type": st.just("call"), "id": st.integers(), "method": TEXT, "params": ODD}),
)
MESSAGES = SENSIBLE | st.tuples(SENSIBLE, st.sampled_from(["type", "run", "bytes", "error", "id"]), ODD).map(
    lambda parts: {**parts[0], parts[1]: parts[2]}
)
FRAMES = st.one_of(
    MESSAGES.map(lambda message: Frame("J", json.dumps(message).encode())),
    st.builds(Frame, st.just("J"), st.binary(max_size=20)),
    st.builds(Frame, st.just("D"), st.sampled_from([b"1", b"[", b'"\xff"', b"{}", b"NaN", b"[" * 200])),
    st.builds(Frame, st.sampled_from(sorted(KINDS)), st.binary(max_size=20), st.integers(0, 0xFFFF)),
)
CODES = CATALOGUE.errors
NUMBERS = count(1)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.substrate.start()
    yield world
    await world.substrate.stop()
    assert not world.driver.alive
    assert world.guard.counts.alive == 0


@examples(150)
@given(frames=st.lists(FRAMES, max_size=8))
async def test_any_frames_end_in_an_output_or_in_a_failure_that_is_declared(
    world: World, frames: list[Frame]
) -> None:
    world.answers[:] = [frames]
    ended = await world.substrate.perform(make_call(timeout_ms=5000), RecordingListener())
    if ended.failure is None:
        assert ended.output is not None
        json.loads(ended.output)
        return
    assert ended.output is None
    assert ended.failure.code in CODES
    json.dumps(failure_json(ended.failure), ensure_ascii=False).encode()


def of_another_version() -> Call:
    """What once failed to load is remembered."""
    number = next(NUMBERS)
    call = make_call(handler=f"handler_{number}")
    return call.evolve(element=call.element.evolve(version=number))


@examples(80)
@given(
    cause=st.sampled_from(["load_error", "syntax_error", "handler_not_found", "exit", "signal", "oom", "timeout"]),
    error=st.none()
    | ERRORS
    | st.dictionaries(TEXT | st.sampled_from(["code", "signal", "kind"]), ODD, max_size=4),
)
async def test_any_failure_to_load_is_told_as_one_of_the_types_own(
    world: World, cause: str, error: dict[str, Any] | None
) -> None:
    def refuse(_: object) -> None:
        raise LoadFailed(cause, error)

    world.driver.on_template = refuse
    ended = await world.substrate.perform(of_another_version(), RecordingListener())
    assert ended.failure is not None
    assert ended.failure.code == RUBY.error_for(cause).code
    json.dumps(failure_json(ended.failure), ensure_ascii=False).encode()
