"""`/livez`: the process answers. `/readyz`: it can do its work, and what can not, with reasons."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from triform.errors import TriformError

Check = Callable[[], Awaitable[None]]
"""Raises TriformError when the thing is not well."""

_CHECK_S = 5.0
_READY = 200
_NOT_READY = 503


@dataclass(frozen=True, slots=True)
class Health:
    """`checks` by substrate or part; `draining` set means that the server is on its way out."""

    checks: Mapping[str, Check]
    draining: asyncio.Event

    def routes(self) -> list[Route]:
        return [Route("/livez", self.live), Route("/readyz", self.ready)]

    async def live(self, request: Request) -> Response:
        return _json({"live": True}, _READY)

    async def ready(self, request: Request) -> Response:
        """`{ready, parts: {name: {ready, reason?, fix?}}}`."""
        parts = {name: await _part(check) for name, check in self.checks.items()}
        if self.draining.is_set():
            parts["server"] = {"ready": False, "reason": "The server is stopping."}
        ready = all(part["ready"] for part in parts.values())
        return _json({"ready": ready, "parts": parts}, _READY if ready else _NOT_READY)


async def _part(check: Check) -> dict[str, object]:
    try:
        async with asyncio.timeout(_CHECK_S):
            await check()
    except TimeoutError:
        return {"ready": False, "reason": f"It did not answer within {_CHECK_S:.0f} seconds."}
    except TriformError as error:
        fix = {"fix": error.suggestion.fix} if error.suggestion else {}
        return {"ready": False, "reason": error.message, **fix}
    return {"ready": True}


def _json(value: object, status: int) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
