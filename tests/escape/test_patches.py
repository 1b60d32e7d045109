"""Code that, while it is loaded, arranges for its clones to keep more than the harness believes.

It writes the C library anew, so that a call is left out; or it has the C library make a thread or a process in
every clone before the harness has confined it. The harness cannot know; whoever looks from outside can.
"""

import os

import pytest

from tests.contracts.drivers.bench import ENVIRONMENT
from tests.escape.attempts import Escapes, Tried

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="the programs hold machine code of x86_64")

LEFT_OUT = ("the filter", "giving up capabilities", "a namespace of its own")
MADE_BEFORE = ("a thread", "a process", "a sibling", "an orphan")


@pytest.mark.parametrize("kept", [*LEFT_OUT, *MADE_BEFORE])
async def test_a_clone_that_keeps_more_than_it_may_never_lives(escapes: Escapes, kept: str) -> None:
    assert (await escapes.beside_the_neighbour(patched(escapes, kept))).cause == "still born"


async def test_the_patch_alone_stops_nobody(escapes: Escapes) -> None:
    """It is what the clone keeps that counts: were the patch a mistake, the test above would say nothing."""
    tried = await patched(escapes, "nothing that is missed")
    assert (tried.cause, tried.value) == ("ok", "alive"), tried


async def patched(escapes: Escapes, what: str) -> Tried:
    environment = {**ENVIRONMENT, "ESCAPE": what}
    return await escapes.loaded(
        escapes.bench.spec_of("patches", escapes.source("patches"), environment=environment)
    )
