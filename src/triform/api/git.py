"""The door for git: `/git/{circle}/{slug}.git`, the smart HTTP protocol; the circle's own is `/git/{circle}.git`.

Who may read the element's source may clone and fetch; a push is an update of the element, and walks the same path.
Answers to git are git's; refusals are plain text, which git shows.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec
import structlog
from starlette.datastructures import Headers
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Mount
from starlette.types import Receive, Scope, Send

from triform.api.body import BodyTooLarge, MalformedBody
from triform.api.git_body import spooled
from triform.api.git_request import (
    ADDRESS,
    FETCH,
    NEEDS,
    PREFIX,
    PUSH,
    REPAIR,
    SPEAK_GIT,
    GitRequest,
    read_request,
    refusal_of,
)
from triform.api.headers import origin_of
from triform.api.metrics import OPERATION
from triform.chemistry.catalogue import Catalogue, Operation
from triform.circles.credentials import Credentials
from triform.circles.model import Principal
from triform.circles.policy import allow
from triform.clock import Clock
from triform.elements.cache import ElementCache
from triform.elements.errors import SourceUnavailable
from triform.elements.model import Element
from triform.errors import NotFound, TriformError
from triform.executor import traced
from triform.executor.errors import ShuttingDown
from triform.executor.execute import Executor
from triform.observability.spans import OperationSpan
from triform.observability.tracing import Tracing
from triform.runs.call import Call
from triform.source import pktline
from triform.source.confinement import REPOSITORY, Room
from triform.source.git import Git, GitFailed
from triform.source.pktline import PushHead
from triform.source.present import Present
from triform.source.push import DRAFT_REF, Incoming, Pushes, PushRefused, refusal
from triform.source.repository import Repository

_log = structlog.get_logger()

_MOST_ASKED = 8 << 20
_MOST_SENT = 256 << 20
_CHUNK = 64 << 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose sender may do what it asks for."""

    request: GitRequest
    principal: Principal
    element: Element
    repository: Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class GitDoor:
    """An ASGI application."""

    git: Git
    present: Present
    pushes: Pushes
    executor: Executor
    catalogue: Catalogue
    elements: ElementCache
    credentials: Credentials
    tracing: Tracing
    clock: Clock
    draining: asyncio.Event

    def routes(self) -> list[BaseRoute]:
        return [Mount(PREFIX, app=self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.tracing.operation(Headers(scope=scope).get("traceparent")) as span:
            try:
                response = await self._respond(scope, receive, span)
            except TriformError as error:
                span.failed(error.failure().code)
                response = refusal_of(error)
        await response(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, span: OperationSpan) -> Response:
        if self.draining.is_set():
            raise ShuttingDown
        asked = await self._admitted(read_request(scope))
        if asked.request.first:
            return await self._advertise(asked)
        if asked.request.service == FETCH:
            return await self._fetch(asked, receive)
        return await self._push(asked, receive, span)

    async def _admitted(self, request: GitRequest) -> Asked:
        """Raises Unauthenticated, NotFound, Forbidden."""
        principal = await self.credentials.principal(request.bearer, None)
        element = await self.elements.resolve(principal.circle, request.address)
        operation = self._operation(element, request.service)
        request.scope[OPERATION] = operation.name
        allow(principal, operation.level, operation.name)
        element, repository = await self.present.of(element)
        return Asked(request, principal, element, repository)

    def _operation(self, element: Element, service: str) -> Operation:
        operation = self.catalogue.type(element.element_type).operation(NEEDS[service])
        if operation is None:
            raise NotFound(suggestion=ADDRESS)
        return operation

    async def _advertise(self, asked: Asked) -> Response:
        """Where the branches are."""
        service, version = asked.request.service, asked.request.version
        program = service.removeprefix("git-")
        told = await self._run(asked, program, "--stateless-rpc", "--advertise-refs", REPOSITORY)
        head = b"" if version == "version=2" else pktline.line(f"# service={service}\n".encode()) + pktline.FLUSH
        with told:
            body = head + told.read()
        return Response(body, media_type=f"application/x-{service}-advertisement")

    async def _fetch(self, asked: Asked, receive: Receive) -> Response:
        with self.git.scratch() as folder:
            place = folder / "body"
            if not await spooled(receive, place, _MOST_ASKED, gzip=asked.request.gzip):
                raise BodyTooLarge(suggestion=SPEAK_GIT)
            sent = await self._run(asked, "upload-pack", "--stateless-rpc", REPOSITORY, stdin=place)
        return StreamingResponse(_chunks(sent), media_type=f"application/x-{FETCH}-result")

    async def _run(self, asked: Asked, *arguments: str, stdin: Path | bytes = b"") -> IO[bytes]:
        version = asked.request.version
        try:
            done = await self.git.run(
                *arguments,
                room=Room(asked.repository.folder),
                stdin=stdin,
                most=_MOST_SENT,
                environment={"GIT_PROTOCOL": version} if version else {},
            )
        except GitFailed as failed:
            raise SourceUnavailable(f"{failed}.", detail=failed.said, suggestion=REPAIR) from failed
        if done.status != 0:
            _log.warning("git_failed", element_id=str(asked.element.id), status=done.status, detail=done.said)
            if not done.output.read(1):  # Otherwise git has told its client itself what is wrong.
                raise SourceUnavailable(suggestion=REPAIR)
            done.output.seek(0)
        return done.output

    async def _push(self, asked: Asked, receive: Receive, span: OperationSpan) -> Response:
        with self.git.scratch() as folder:
            place = folder / "body"
            whole = await spooled(
                receive, place, self.pushes.limit + pktline.LONGEST_HEAD, gzip=asked.request.gzip
            )
            head = await asyncio.to_thread(_head, place)
            if not head.commands:  # A client that has much to send looks first whether it may.
                return _report(b"")
            if not whole:
                error = GitFailed(f"the push has more than {self.pushes.limit} bytes")
                return _report(refusal(head, error))
            return _report(await self._taken(asked, head, place, span))

    async def _taken(self, asked: Asked, head: PushHead, body: Path, span: OperationSpan) -> bytes:
        """Raises whatever refuses nothing but this one push, as the answer git understands."""
        try:
            async with self.pushes.judged(asked.element, asked.repository, head, body) as incoming:
                call = self._call(asked, incoming, span)
                span.set(traced.of_call(call))
                outcome = await self.executor.execute(call)
        except PushRefused as refused:
            return refused.answer
        told: Any = outcome.reply.value if outcome.reply else {}
        warnings = [f"warning: {each['message']}" for each in told.get("warnings", ())]
        return pktline.report(head.capabilities, [(DRAFT_REF, "")], [f"version {told.get('version')}", *warnings])

    def _call(self, asked: Asked, incoming: Incoming, span: OperationSpan) -> Call:
        return Call(
            principal=asked.principal,
            element=asked.element,
            type=self.catalogue.type(asked.element.element_type),
            operation=self._operation(asked.element, PUSH),
            input=incoming.change,
            body=msgspec.json.encode(incoming.change),
            received_at=self.clock.now(),
            trace_id=span.trace_id,
            traceparent=span.parent.header(),
            origin=origin_of(asked.request.scope, asked.request.headers),
            brought=incoming.brought,
        )


def _head(place: Path) -> PushHead:
    with place.open("rb") as file:
        data = file.read(pktline.LONGEST_HEAD)
    try:
        head = pktline.read_push(data)
    except pktline.Malformed as error:
        raise MalformedBody(f"The push cannot be read: {error}.", suggestion=SPEAK_GIT) from None
    if head is None:
        raise MalformedBody("The push is cut short, or names too many references.", suggestion=SPEAK_GIT)
    return head


def _report(answer: bytes) -> Response:
    return Response(answer, media_type=f"application/x-{PUSH}-result")


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
