"""HTTP below the application: the head of a request is bounded, and what is no HTTP is refused as a problem."""

import asyncio
from functools import partial
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from triform.api.gathered import Gathered
from triform.api.problems import Problems
from triform.errors import Kind, Suggestion, TriformError

LONGEST_HEAD = 64 << 10
"""Bytes of the request line and the headers together; also of whatever else is not the body."""


class MalformedRequest(TriformError):
    """What was sent is no HTTP/1.1 request."""

    code: ClassVar[str] = "MALFORMED_REQUEST"
    kind: ClassVar[Kind] = "validation"
    default_suggestion: ClassVar[Suggestion | None] = Suggestion(
        why="The request could not be read up to the end of its headers, or its body was framed wrongly.",
        fix="Send it with an HTTP/1.1 client library; Content-Length and Transfer-Encoding must fit the body.",
    )


def protocol(problems: Problems) -> type[HttpToolsProtocol]:
    """What uvicorn calls for every connection."""
    return cast(type[HttpToolsProtocol], partial(_Http, problems))


class _Http(HttpToolsProtocol):
    """The parser keeps a header until it is whole; without a bound a single one could fill the memory."""

    def __init__(self, problems: Problems, **options: Any) -> None:
        super().__init__(**options)
        self._problems = problems
        self._head = self._unfinished = 0
        self._progress = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._line = Gathered(transport)
        super().connection_made(self._line)

    def data_received(self, data: bytes) -> None:
        self._progress = False
        super().data_received(data)
        self._unfinished = 0 if self._progress else self._unfinished + len(data)
        if self._unfinished > LONGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("")

    def on_message_begin(self) -> None:
        self._progress, self._head = True, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._grow(len(name) + len(value))
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self._progress = True
        super().on_body(body)

    def on_response_complete(self) -> None:
        self._line.send()
        super().on_response_complete()

    def on_message_complete(self) -> None:
        self._progress = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Ends the connection: where the next request would begin cannot be known."""
        answer = self._problems.of_error(self._refusal(), "")
        head = [
            f"HTTP/1.1 {answer.status_code} Bad Request".encode(),
            b"connection: close",
            b"cache-control: no-store",
        ]
        self.transport.write(b"\r\n".join([*head, *map(b": ".join, answer.raw_headers), b"", bytes(answer.body)]))
        self.transport.close()

    def _refusal(self) -> MalformedRequest:
        too_long = self._head > LONGEST_HEAD or self._unfinished > LONGEST_HEAD
        return MalformedRequest(f"Its head is longer than {LONGEST_HEAD} bytes." if too_long else None)

    def _grow(self, size: int) -> None:
        """The parser takes what is raised here for an error in what it reads."""
        self._head += size
        if self._head > LONGEST_HEAD:
            raise ValueError("the head of the request is too long")
