"""A guest that does not keep to the protocol: on the control socket while it is loaded, on its channel in a run.

Whatever it says ends at most itself, in the user's own account: never as a fault of the platform.
"""

import os

import pytest

from tests.escape import left
from tests.escape.attempts import LOAD, LONG_MS, RUN, SOON_MS, Escapes

ENDS = {
    "no JSON": ("protocol", "protocol"),
    "not an object": ("protocol", "protocol"),
    "no type": ("protocol", "protocol"),
    "an unknown type": ("protocol", "protocol"),
    "an unknown kind": ("protocol", "protocol"),
    "too deep": ("protocol", "protocol"),
    "too large a frame": ("protocol", "protocol"),
    "members of other types": ("protocol", "protocol"),
    "no text": ("protocol", "protocol"),
    "an endless frame": ("timeout", "timeout"),
    "half a frame": ("exit", "exit"),
    "another run's result": ("protocol", "protocol"),
    "more than was sent": ("protocol", "protocol"),
    "a result that is no JSON": ("protocol", "protocol"),
    "data without end": ("protocol", "output_limit"),
    "progress without end": ("protocol", "timeout"),
    "questions without end": ("protocol", "protocol"),
    "log lines without end": ("protocol", "timeout"),
    "its own end": ("protocol", "exit"),
    "ends of others": ("protocol", "exit"),
    "ready again": ("protocol", "timeout"),
    "born again": ("protocol", "protocol"),
    "hanging up": ("protocol", "timeout"),
    "hanging up everything": ("timeout", "timeout"),
    "leaving the line to a child": ("exit", "exit"),
    "loaded and something else": ("protocol", "protocol"),
    "loaded, then something else": ("protocol", "protocol"),
    "loaded, then something else when asked": ("protocol", "protocol"),
    "failing in an unknown way": ("protocol", "protocol"),
    "failing without an error": ("load_error", "protocol"),
}
"""How it ends at load and in a run."""


@pytest.mark.parametrize("lie", ENDS)
async def test_a_lie_ends_the_liar(escapes: Escapes, moment: str, lie: str) -> None:
    end = ENDS[lie][moment == RUN]
    timeout_ms = SOON_MS[moment] if end == "timeout" else LONG_MS
    assert (await escapes.tried(moment, "frames", lie, timeout_ms=timeout_ms)).cause == end


async def test_the_first_of_two_answers_stands(escapes: Escapes) -> None:
    tried = await escapes.tried(RUN, "frames", "twice")
    assert (tried.cause, tried.value) == ("ok", 1)


async def test_descriptors_that_a_guest_sends_do_not_stay_with_the_server(escapes: Escapes, moment: str) -> None:
    await escapes.tried(RUN, "frames", "twice")  # the template of the program is there from now on
    before = left.descriptors()
    try:
        tried = await escapes.tried(moment, "frames", "descriptors")
        assert tried.cause == ("protocol" if moment == LOAD else "ok"), tried
        assert left.descriptors() == before
    finally:
        for stray in left.descriptors() - before:
            os.close(stray)
