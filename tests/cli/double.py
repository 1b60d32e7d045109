"""A small HTTP server that answers what a test tells it, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    """The last value of each; `every` has all of them."""
    headers: Mapping[str, str]
    body: Any
    every: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """An answer. `body` is sent as it is when it is text, else as JSON."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Answering = Told | Callable[[Asked], Told]


class Platform:
    """Answers by method and path; anything else is a problem with status 404."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.gone = False
        self._answers: dict[tuple[str, str], Answering] = {}
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def tell(self, method: str, path: str, answer: Answering) -> None:
        self._answers[method, path] = answer

    def answer(self, asked: Asked) -> Told:
        self.asked.append(asked)
        found = self._answers.get((asked.method, asked.path))
        if found is None:
            return Told(problem("NOT_FOUND", 404, title="There is nothing at this address."), 404)
        return found if isinstance(found, Told) else found(asked)

    def to(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == path]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Nothing answers any more, on connections that are open neither; twice is once."""
        self.gone = True
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def problem(code: str, status: int, **members: Any) -> dict[str, Any]:
    return {"type": f"about:{code}", "title": code, "status": status, "code": code, **members}


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A client that was killed while it waited is part of some tests."""


def _handler(platform: Platform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            if platform.gone:
                self.close_connection = True
                return
            told = platform.answer(_asked(self))
            body = told.body if isinstance(told.body, str) else json.dumps(told.body)
            payload = body.encode()
            self.send_response(told.status)
            kind = "application/problem+json" if told.status >= 400 else "application/json"
            for name, value in {"Content-Type": kind, **told.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _asked(request: BaseHTTPRequestHandler) -> Asked:
    length = int(request.headers.get("Content-Length") or 0)
    raw = request.rfile.read(length)
    split = urlsplit(request.path)
    every = parse_qs(split.query)
    query = {name: values[-1] for name, values in every.items()}
    return Asked(
        request.command, split.path, query, dict(request.headers), json.loads(raw) if raw else None, every
    )
