"""`/metrics`: what the node says about itself, in the Prometheus text format.

Open in dev mode, which is loopback only; elsewhere for whoever knows the token. Without a token there is no
such page.
"""

import hmac
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import Metric, ProcessCollector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triform.clock import Clock
from triform.errors import Forbidden, NotFound, Suggestion
from triform.observability import platform_metrics as shown
from triform.observability.families import CONTENT_TYPE, Buckets, text

Source = Callable[[], Iterable[Metric]]
Probe = Callable[[], Awaitable[Iterable[Metric]]]
"""Asked at each reading; it must not take long, and not raise because something is down."""

OPERATION = "triform.operation"
"""Where an ASGI scope says which operation it turned out to be."""

_NONE = "none"
_SCHEME = "bearer "
_ABSENT = Suggestion(
    why="Outside dev mode the metrics are for whoever knows their token, and none is set.",
    fix="Set TRIFORM_METRICS_TOKEN on the server and send it as Authorization: Bearer ….",
)
_REFUSED = Suggestion(
    why="The metrics of a server that is not in dev mode need its TRIFORM_METRICS_TOKEN.",
    fix="Send Authorization: Bearer <token>; in Prometheus that is `authorization: {credentials: …}`.",
)


@dataclass(frozen=True, slots=True)
class MetricsDoor:
    """`token` None and not `open`: there is no such page."""

    sources: Sequence[Source]
    probes: Sequence[Probe]
    open: bool
    token: str | None

    def routes(self) -> list[Route]:
        return [Route("/metrics", self.show)]

    async def show(self, request: Request) -> Response:
        """Raises NotFound or Forbidden."""
        if not self.open:
            self._admit(request.headers.get("authorization", ""))
        probed = [metric for probe in self.probes for metric in await probe()]
        counted = [metric for source in self.sources for metric in source()]
        return Response(text([*probed, *counted]), headers={"content-type": CONTENT_TYPE})

    def _admit(self, header: str) -> None:
        if not self.token:
            raise NotFound(suggestion=_ABSENT)
        told = header[len(_SCHEME) :] if header.lower().startswith(_SCHEME) else ""
        if not hmac.compare_digest(told.strip().encode(), self.token.encode()):
            raise Forbidden("The metrics need their token.", suggestion=_REFUSED)


class HttpFigures:
    """Answers since the start. The operations are those of the catalogue, so that the labels stay few."""

    def __init__(self) -> None:
        self._answers: Counter[tuple[str, ...]] = Counter()
        self._durations: dict[tuple[str, ...], Buckets] = {}

    def answered(self, operation: str, status: int, duration_ms: float) -> None:
        self._answers[operation, f"{status // 100}xx"] += 1
        buckets = self._durations.get((operation,))
        if buckets is None:
            buckets = self._durations[operation,] = Buckets()
        buckets.observe(duration_ms)

    def shown(self) -> Iterator[Metric]:
        yield shown.HTTP_ANSWERS.by(self._answers)
        yield shown.HTTP_DURATION.spread(self._durations)


class CountAnswers:
    """ASGI middleware: every answer, when its head is sent."""

    def __init__(self, app: ASGIApp, figures: HttpFigures, clock: Clock) -> None:
        self._app = app
        self._figures = figures
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = self._clock.monotonic()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                duration_ms = (self._clock.monotonic() - began) * 1000
                self._figures.answered(scope.get(OPERATION, _NONE), message["status"], duration_ms)
            await send(message)

        await self._app(scope, receive, sending)


def of_process() -> Iterable[Metric]:
    """Memory, CPU and open files of this process, under the names everybody gives them."""
    return _PROCESS.collect()


_PROCESS = ProcessCollector(registry=None)
