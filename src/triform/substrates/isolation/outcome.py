"""What goes into a run and what comes out of it. Values, and the check of an output."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from triform.json_depth import depth
from triform.substrates.isolation.interfaces import Cause, Exit
from triform.substrates.isolation.messages import GuestError

MAX_OUTPUT_DEPTH = 100
_LARGE = 256 << 10


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to run. `event` is JSON; `facts` go to the guest as `context`."""

    run_id: str
    event: bytes
    timeout_ms: int
    output_limit: int
    facts: Mapping[str, Any] = msgspec.field(default_factory=dict)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended. `output` with Cause.ok alone; `error` is what the guest said about its own failure.

    `duration_ms` is the handler alone, by the host's monotonic clock.
    """

    cause: Cause
    output: bytes | None = None
    error: GuestError | None = None
    code: int | None = None
    signal: int | None = None
    detail: str = ""
    duration_ms: float = 0.0
    exit: Exit = Exit()

    @property
    def handler_started(self) -> bool:
        return self.cause is not Cause.infra_before


async def complaint_about(output: bytes) -> str:
    """Why `output` is not JSON to pass on, or ""; a large one is looked at in a thread."""
    return await asyncio.to_thread(_complaint, output) if len(output) > _LARGE else _complaint(output)


def _complaint(output: bytes) -> str:
    if (levels := depth(output)) > MAX_OUTPUT_DEPTH:
        return f"output nested {levels} levels deep, allowed are {MAX_OUTPUT_DEPTH}"
    try:
        output.decode()
        msgspec.json.decode(output, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f"output that is not JSON: {error}"
    return ""
