"""A git server on loopback: git's own http-backend, and answers made up for single paths."""

import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

IDENTITY = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.test",
            "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.test"}  # fmt: skip
Answer = tuple[int, Mapping[str, str], bytes]
ADVERTISEMENT = "application/x-git-upload-pack-advertisement"
RESULT = "application/x-git-upload-pack-result"


class Repository:
    """One with a working copy; `commit` writes files and makes them the branch's next commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", "main")

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            **IDENTITY,
        }
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=environment, input=stdin, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    def commit(self, files: Mapping[str, str | bytes], message: str = "changed") -> str:
        for path, content in files.items():
            place = self.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


class GitServer:
    """Serves repositories below `root` between `with` and its end. `asked` are paths in order, `protocols` what
    version each request spoke; `version` 0 makes it a server that knows no other. `instead`: answers for single
    paths."""

    def __init__(self, root: Path, tls: ssl.SSLContext | None = None) -> None:
        self._root = root
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.version = 2
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.instead: dict[str, Callable[[], Answer]] = {}

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def place(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.place}"

    def repository(self, name: str = "tax") -> Repository:
        return Repository(self._root / name)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, verb: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.asked.append(target)
        self.headers.append(headers)
        parts = urlsplit(target)
        if parts.path in self.instead:
            return self.instead[parts.path]()
        return self._backend(verb, parts.path, parts.query, headers, body)

    def _backend(self, verb: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """git's own program, spoken to as CGI."""
        environment = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self._root), "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(self._root), "REQUEST_METHOD": verb, "QUERY_STRING": query,
            "PATH_INFO": path, "CONTENT_TYPE": headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)), "GIT_PROTOCOL": headers["Git-Protocol"] if self.version else "",
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
        }  # fmt: skip
        done = subprocess.run(
            ["git", "http-backend"], env=environment, input=body, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        told = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        return int(told.pop("Status", "200").split()[0]), told, content

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                answer = server.answer(self.command, self.path, dict(self.headers), self.rfile.read(size))
                status, headers, body = answer
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        return Handler
