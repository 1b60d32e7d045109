"""A gem server on loopback: a folder of gem files, served as a compact index, as RubyGems.org serves its own.

GET /versions, /names, /info/<gem>, /gems/<file>
"""

import base64
import hashlib
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from triform.substrates.isolation.gems.folder import FolderSource

Answer = tuple[int, Mapping[str, str], bytes]


class GemServer:
    """Serves between `with` and its end. `asked` are the paths of requests, in order.

    `credentials`: `user:password` to be asked for. `instead`: answers for single paths, to play one that fails.
    """

    def __init__(self, folder: Path, credentials: str | None = None) -> None:
        self._source = FolderSource(folder)
        self.folder = folder
        self._credentials = credentials
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.asked: list[str] = []
        self.instead: dict[str, Callable[[], Answer]] = {}

    @property
    def place(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.place}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str, authorization: str) -> Answer:
        self.asked.append(path)
        if self._credentials and authorization != f"Basic {base64.b64encode(self._credentials.encode()).decode()}":
            return 401, {"WWW-Authenticate": "Basic"}, b"who are you?\n"
        if path in self.instead:
            return self.instead[path]()
        body = self._body(path.strip("/"))
        return (404, {}, b"not here\n") if body is None else (200, {}, body)

    def _body(self, path: str) -> bytes | None:
        folder, _, name = path.partition("/")
        if folder == "gems":
            file = self.folder / Path(name).name
            return file.read_bytes() if file.is_file() else None
        if folder == "info":
            return self._source.lines(name).encode() or None
        names = sorted({file.name.rsplit("-", 1)[0] for file in self.folder.glob("*.gem")})
        if folder == "names":
            return "\n".join(["---", *names, ""]).encode()
        return "\n".join(["created_at: 2026-01-01T00:00:00Z", "---", *map(self._version, names), ""]).encode()

    def _version(self, name: str) -> str:
        lines = self._source.lines(name)
        numbers = ",".join(line.split(" ")[0] for line in lines.splitlines()[1:])
        return f"{name} {numbers} {hashlib.md5(lines.encode(), usedforsecurity=False).hexdigest()}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, headers, body = server.answer(self.path, self.headers.get("Authorization", ""))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        return Handler
