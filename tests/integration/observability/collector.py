"""A small OTLP/HTTP collector: decodes what it is sent, or misbehaves as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Manner = Literal["answers", "hangs", "closes", "fails"]


class Collector(ThreadingHTTPServer):
    """`spans` by arrival. One that hangs does so until `released` is set."""

    daemon_threads = True

    def __init__(self, manner: Manner) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.manner = manner
        self.bodies: list[bytes] = []
        self.resources: list[dict[str, Any]] = []
        self.spans: list[Span] = []
        self.asked = threading.Event()
        self.released = threading.Event()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, body: bytes) -> None:
        message = ExportTraceServiceRequest.FromString(body)
        self.bodies.append(body)
        for resource in message.resource_spans:
            self.resources.append(attributes(resource.resource))
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def children(self, parent: Span) -> dict[str, Span]:
        """By name; a name that comes twice is an error."""
        found = [span for span in self.spans if span.parent_span_id == parent.span_id]
        assert len({span.name for span in found}) == len(found)
        return {span.name: span for span in found}


class _Request(BaseHTTPRequestHandler):
    server: Collector
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.set()
        getattr(self, f"_{self.server.manner}")(body)

    def _answers(self, body: bytes) -> None:
        assert self.path == "/v1/traces"
        self.server.take(body)
        self._status(200)

    def _fails(self, body: bytes) -> None:
        self._status(500)

    def _hangs(self, body: bytes) -> None:
        self.server.released.wait()
        self.close_connection = True

    def _closes(self, body: bytes) -> None:
        self.close_connection = True

    def _status(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return None


def attributes(of: Any) -> dict[str, Any]:
    """The attributes of a span or resource as plain values."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in of.attributes}


@contextmanager
def collecting(manner: Manner = "answers") -> Iterator[Collector]:
    with Collector(manner) as collector:
        serving = threading.Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        serving.start()
        try:
            yield collector
        finally:
            collector.released.set()
            collector.shutdown()
            serving.join()
