"""The door of every operation: `/api/{circle}[/{slug}][/ops/{path}]` → Call → Outcome → answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import parse_qs

import msgspec
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from triform.api import envelope
from triform.api.answers import Answers
from triform.api.body import Body, read
from triform.api.credentials import RequestCredentials
from triform.api.headers import idempotency_key, if_match, origin_of, preference, raw_path
from triform.api.metrics import OPERATION
from triform.api.problems import Problems
from triform.chemistry.catalogue import Catalogue, ElementType, Operation
from triform.circles.model import Principal
from triform.clock import Clock
from triform.elements.addresses import Addresses
from triform.elements.model import Element
from triform.elements.paths import Address, parse
from triform.errors import Complaint, InvalidInput, Kind, NotFound, Suggestion, TriformError
from triform.executor import traced
from triform.executor.errors import ShuttingDown
from triform.executor.execute import Executor
from triform.executor.passage import Outcome
from triform.executor.waiting import Waiting
from triform.observability.spans import OperationSpan
from triform.observability.tracing import Tracing
from triform.runs.call import Call

PREFIX = "/api/"
BARE = {"GET": "get", "HEAD": "get", "PATCH": "update", "DELETE": "delete"}
IN_PARENT = {"POST": "create"}
"""Taken too by the bare address of whatever holds children."""
_LONGEST_QUERY = 8192


class MethodNotAllowed(TriformError):
    """This address does not take this verb."""

    code: ClassVar[str] = "METHOD_NOT_ALLOWED"
    kind: ClassVar[Kind] = "validation"


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is aimed at."""

    element: Element
    type: ElementType
    operation: Operation
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ops:
    """An ASGI application."""

    executor: Executor
    waiting: Waiting
    catalogue: Catalogue
    elements: Addresses
    credentials: RequestCredentials
    tracing: Tracing
    problems: Problems
    answers: Answers
    clock: Clock
    body_limit: int
    draining: asyncio.Event

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(scope, receive)
        await response(scope, receive, send)

    async def perform(
        self, scope: Scope, principal: Principal, element: Element, operation: Operation, value: dict[str, Any]
    ) -> Response:
        """What another door was asked for: `value` are all arguments, or the input of user work."""
        kind = self.catalogue.type(element.element_type)
        path = {name: str(value[name]) for name in operation.path_arguments if name in value}
        target = Target(element, kind, operation, path)

        async def called(span: OperationSpan) -> Call:
            self._ensure_open()
            input_, raw = _input(target, Body(msgspec.json.encode(value), value), {}, {})
            asked = {"input": input_, "body": raw, "received_at": self.clock.now(), "trigger": "mcp"}
            return _asked(scope, principal, target, span, **asked)

        return await self._answered(scope, called)

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        return await self._answered(scope, lambda span: self._call(scope, receive, span))

    async def _answered(self, scope: Scope, called: Callable[[OperationSpan], Awaitable[Call]]) -> Response:
        instance = scope["path"]
        with self.tracing.operation(Headers(scope=scope).get("traceparent")) as span:
            try:
                return await self._execute(instance, await called(span), span)
            except TriformError as error:
                span.failed(error.failure().code)
                return _under(span, self.problems.of_error(error, instance, span.trace_id))
            except ClientDisconnect:
                raise
            except Exception as error:
                span.failed(TriformError.code)
                return _under(span, self.problems.unforeseen(error, instance, span.trace_id))

    async def _execute(self, instance: str, call: Call, span: OperationSpan) -> Response:
        span.set(traced.of_call(call))
        outcome = await self._wait(call, await self.executor.execute(call))
        if outcome.run is not None:
            traced.tell_run(span, outcome.run)
        return self.answers.answer(call, outcome, instance, span.parent.header())

    def _ensure_open(self) -> None:
        if self.draining.is_set():
            raise ShuttingDown

    async def _wait(self, call: Call, outcome: Outcome) -> Outcome:
        """`Prefer: wait=N` turns an accepted run into its result when it ends in time."""
        if not outcome.accepted or outcome.run is None or not call.prefer.wait_s:
            return outcome
        run = await self.waiting.ended(outcome.run.circle_id, outcome.run.run_id, call.prefer.wait_s)
        return outcome.evolve(run=run, accepted=not run.status.final)

    async def _call(self, scope: Scope, receive: Receive, span: OperationSpan) -> Call:
        self._ensure_open()
        received_at = self.clock.now()
        headers, verb = Headers(scope=scope), scope["method"]
        principal = await self.credentials.principal(HTTPConnection(scope))
        address = parse(raw_path(scope).removeprefix(PREFIX))
        target = self._target(await self.elements.resolve(principal.circle, address), address, verb)
        scope[OPERATION] = target.operation.name
        body = await read(receive, headers.get("content-type"), headers.get("content-length"), self.body_limit)
        query = _query(scope)
        options = _options(target.operation, query)
        input_, raw = _input(target, body, query, options)
        return _asked(
            scope,
            principal,
            target,
            span,
            through=address.through,
            input=input_,
            body=raw,
            received_at=received_at,
            asked_env=options.get("env"),
            prefer=preference(headers.getlist("prefer")),
            idempotency_key=idempotency_key(headers.get("idempotency-key")),
            if_match=if_match(headers.get("if-match")),
        )

    def _target(self, element: Element, address: Address, verb: str) -> Target:
        kind = self.catalogue.type(element.element_type)
        if address.operation is None:
            bare = _at_bare_address(kind)
            if verb not in bare:
                raise _refuse_verb(verb, list(bare))
            return Target(element, kind, bare[verb], {})
        found = kind.by_path(address.operation)
        if found is None:
            raise _no_such_operation(kind, address.operation)
        allowed = _verbs(found[0])
        if verb not in allowed:
            raise _refuse_verb(verb, allowed)
        return Target(element, kind, *found)


def _asked(scope: Scope, principal: Principal, target: Target, span: OperationSpan, **given: Any) -> Call:
    """What every door knows of a call, and what this one was given."""
    return Call(
        principal=principal,
        element=target.element,
        type=target.type,
        operation=target.operation,
        arguments=target.arguments,
        trace_id=span.trace_id,
        traceparent=span.parent.header(),
        origin=origin_of(scope, Headers(scope=scope)),
        **given,
    )


def _options(operation: Operation, query: Mapping[str, list[str]]) -> Mapping[str, Any]:
    """What the query of user work says beside its input."""
    if not operation.envelope:
        return {}
    options = operation.query.read_query(query)
    complaints = operation.query.check(options)
    if complaints:
        raise _refuse_query(operation, complaints)
    return options


def _input(
    target: Target, body: Body, query: Mapping[str, list[str]], options: Mapping[str, Any]
) -> tuple[Any, bytes]:
    """What the operation is given. For user work the body alone counts; else query and path join it."""
    operation = target.operation
    if operation.envelope:
        body = body if options.get("raw") else envelope.opened(body)
        return body.value, body.raw
    if not isinstance(body.value, dict):
        raise InvalidInput("The input must be a JSON object.", errors=(Complaint("", "must be an object"),))
    joined = {**operation.read_query(query), **body.value, **target.arguments}
    return operation.complete_input(joined), body.raw


def _refuse_query(operation: Operation, complaints: tuple[Complaint, ...]) -> InvalidInput:
    """Ignored, a slip in `?raw=` would change what the handler sees, and nobody would know."""
    known = ", ".join(operation.query.names)
    return InvalidInput(
        "The query has members this operation does not take.",
        errors=complaints,
        suggestion=Suggestion(
            why=f"The query of this operation takes {known} and nothing else; the handler never sees it.",
            fix="Leave the listed members out, or put them into the JSON body, which the handler gets.",
        ),
    )


def _query(scope: Scope) -> Mapping[str, list[str]]:
    raw = scope["query_string"]
    if len(raw) > _LONGEST_QUERY:
        raise InvalidInput("The query string is too long; send the arguments in the body of a POST.")
    try:
        return parse_qs(raw.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise InvalidInput("The query string is not percent-encoded UTF-8.") from None


def _at_bare_address(kind: ElementType) -> dict[str, Operation]:
    """By verb."""
    names = BARE | IN_PARENT if kind.accepts_children else BARE
    return {verb: operation for verb, name in names.items() if (operation := kind.operation(name))}


def _verbs(operation: Operation) -> list[str]:
    own: list[str] = ["GET", "HEAD"] if operation.verb == "GET" else [operation.verb]
    return own if "POST" in own else [*own, "POST"]


def _refuse_verb(verb: str, allowed: list[str]) -> MethodNotAllowed:
    return MethodNotAllowed(
        f"{verb} is not taken here; {', '.join(allowed)} is.",
        facts={"allow": allowed},
        suggestion=Suggestion(
            why="Each address takes the verbs of its operations; POST opens every one below /ops/.",
            fix=f"Use {' or '.join(allowed)}; the arguments of a POST go in its JSON body.",
        ),
    )


def _no_such_operation(kind: ElementType, path: str) -> NotFound:
    known = ", ".join(sorted(operation.path for operation in kind.operations.values()))
    return NotFound(
        f"{kind.title} has no operation at {path!r}.",
        suggestion=Suggestion(why="The path after /ops/ names no operation of this element's type.",
                              fix=f"Use one of: {known}.", op="schema"),
    )  # fmt: skip


def _under(span: OperationSpan, response: Response) -> Response:
    """Refusals too say which trace they belong to."""
    response.headers["traceparent"] = span.parent.header()
    return response
