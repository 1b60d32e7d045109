"""Code that breaks, while it is loaded, what the harness needs later: the failure is the code's own.

It is charged like any other and never told as a fault of the platform: either it fails to load, or its run
fails, or no instance comes to life, of which the pool makes the code's failure, or all is well.
"""

import os

import pytest

from tests.contracts.drivers.bench import ENVIRONMENT
from tests.contracts.drivers.conftest import DRIVERS
from tests.escape.attempts import FAULT, LOAD, SOON_MS, Escapes

# The harness is the same whatever driver starts it.
pytestmark = pytest.mark.parametrize("driver", [DRIVERS[bool(os.geteuid())]], indirect=True, scope="module")

# fmt: off
WRECKS = (
    "Integer#>=", "Integer#==", "Array#pack", "Array#each", "Hash#delete", "String#<<", "String#bytesize",
    "String#+@", "Module#===", "Proc#call", "Exception#initialize", "BasicObject#!",
    "BasicObject#method_missing", "NilClass#nil?", "Thread::Mutex#synchronize", "IO#write", "IO.for_fd",
    "ENV.update", "OpenSSL", "constants", "tracing", "frozen classes", "every descriptor", "a bell that kills",
    "a clock that stops it", "exit handlers",
    "Integer#+", "Integer#/", "Array#shift", "Hash#[]", "String#==", "String#unpack1", "String#slice!",
    "Symbol#to_proc", "Kernel#fork", "IO#autoclose=", "descriptors used up", "few descriptors",
    "processes used up", "little memory", "a namespace of its own", "a filter against forking",
)
# fmt: on


@pytest.mark.parametrize("wreck", WRECKS)
async def test_what_user_code_breaks_is_its_own_failure(escapes: Escapes, wreck: str) -> None:
    environment = {**ENVIRONMENT, "ESCAPE": wreck}
    spec = escapes.bench.spec_of("wreckage", escapes.source("wreckage"), None, SOON_MS[LOAD], environment)
    tried = await escapes.beside_the_neighbour(escapes.loaded(spec, SOON_MS[LOAD]))
    assert tried.cause not in (FAULT, "infra_before", "infra_after"), tried
    assert tried.cause != "ok" or tried.value == 7
