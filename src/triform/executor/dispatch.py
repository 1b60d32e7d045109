"""Phase 6: hands the call to the substrate its operation names."""

import structlog

from triform.errors import PlatformFault, TriformError
from triform.executor.house import House
from triform.executor.passage import Outcome, Passage, Proceed
from triform.runs.model import Ended

_log = structlog.get_logger()


async def dispatch(passage: Passage, proceed: Proceed | None = None, *, house: House) -> Outcome:
    call = passage.call
    if passage.tx is not None:
        return Outcome(reply=await house.platform.transact(call, passage.tx, passage.prepared))
    substrate = house.substrates[call.operation.substrate]
    if passage.live is None:
        return Outcome(reply=await substrate.answer(call))
    try:
        return Outcome(ended=await substrate.perform(call, passage.live))
    except TriformError as error:
        return Outcome(ended=Ended(failure=error.failure()))
    except Exception:
        _log.exception("substrate_fault", run_id=str(passage.live.run_id), substrate=call.operation.substrate)
        return Outcome(ended=Ended(failure=PlatformFault().failure()))
