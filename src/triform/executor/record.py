"""Phase 5: what leaves a trace. User work becomes a run of two commits, a platform operation one transaction.

A replay leaves the trace of what it repeats.
"""

from triform.executor.house import House
from triform.executor.passage import Outcome, Passage, Proceed
from triform.executor.record_execution import record_execution
from triform.executor.record_platform import record_platform
from triform.executor.replay import repeated
from triform.substrates.interfaces import PLATFORM


async def record(passage: Passage, proceed: Proceed, house: House) -> Outcome:
    operation = passage.call.operation
    if operation.replays:
        return Outcome(instead=await repeated(passage.call, house))
    if operation.execution:
        return await record_execution(passage, proceed, house)
    if operation.substrate == PLATFORM:
        return await record_platform(passage, proceed, house)
    return await proceed(passage)
