"""An instance as a process of its own: start it, wait until it is ready, stop it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triform.cli.outcome import Stop
from triform.cli.terminal import Terminal

NOTE = "instance.json"
LOG = "instance.log"
_READY_S = 900.0
"""A first start may have to build a runtime image."""
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Server:
    """A running instance. `mine`: this process started it."""

    url: str
    pid: int
    data_dir: Path
    mine: bool = False

    def stop(self) -> None:
        """End the instance if this process started it; running work is drained first."""
        if not self.mine:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        (self.data_dir / NOTE).unlink(missing_ok=True)


def start(terminal: Terminal) -> Server:
    """The instance of the data folder: the one that runs there already, else a new one, ready to serve."""
    from triform.cli.up import settings

    data_dir = settings().data_dir.absolute()
    running = _running(data_dir)
    if running:
        terminal.remark(f"an instance runs here already (pid {running.pid})")
        return running
    data_dir.mkdir(parents=True, exist_ok=True)
    server, process = _spawn(data_dir, free_port(settings().port))
    try:
        with terminal.working("starting") as tell:
            _wait(server, process, _Progress(terminal, tell))
    except BaseException:
        server.stop()
        raise
    (data_dir / NOTE).write_text(json.dumps({"url": server.url, "pid": server.pid}))
    return server


def free_port(wanted: int) -> int:
    """`wanted` if nothing listens there, else one that is free."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found: int = probe.getsockname()[1]
                return found
    raise Stop("no port is free on 127.0.0.1", "stop something that listens there")


def readiness(url: str) -> tuple[bool, Mapping[str, Any]]:
    """Whether the instance serves, and what it says about itself."""
    import httpx2

    try:
        answer = httpx2.get(url + "/readyz", timeout=5.0, trust_env=False)
        document = answer.json()
    except (httpx2.HTTPError, ValueError):
        return False, {}
    return answer.status_code == 200, document if isinstance(document, dict) else {}


def _running(data_dir: Path) -> Server | None:
    try:
        note = json.loads((data_dir / NOTE).read_text())
        server = Server(note["url"], note["pid"], data_dir)
        os.kill(server.pid, 0)
    except (OSError, ValueError, KeyError):
        return None
    return server if readiness(server.url)[0] else None


def _spawn(data_dir: Path, port: int) -> tuple[Server, "subprocess.Popen[bytes]"]:
    """Detached, so that it outlives this process and its terminal."""
    environment = {**os.environ, "TRIFORM_DATA_DIR": str(data_dir)}
    command = [sys.executable, "-m", "triform.cli.main", "up", "--host", "127.0.0.1", "--port", str(port)]
    with (data_dir / LOG).open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    return Server(f"http://127.0.0.1:{port}", process.pid, data_dir, mine=True), process


def _wait(server: Server, process: "subprocess.Popen[bytes]", progress: "_Progress") -> None:
    looks = int(_READY_S / _LOOK_S)
    for _ in range(looks):
        ready, document = readiness(server.url)
        if ready:
            return
        progress.tell(document)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_S)
            raise Stop(f"the instance ended while starting:\n{_tail(server)}", _fix(server))
    raise Stop(f"the instance was not ready after {_READY_S:.0f} s", _fix(server))


def _tail(server: Server) -> str:
    lines = (server.data_dir / LOG).read_text(errors="replace").splitlines()
    return "\n".join("    " + line for line in lines[-15:])


def _fix(server: Server) -> str:
    return f"the whole log is in {server.data_dir / LOG}; triform doctor says what is missing"


class _Progress:
    """Says each new reason why the instance is not ready: in the spinner, or once as a line."""

    def __init__(self, terminal: Terminal, tell: Callable[[str], None]) -> None:
        self._terminal = terminal
        self._tell = tell
        self._said: set[str] = set()

    def tell(self, document: Mapping[str, Any]) -> None:
        for reason in _reasons(document):
            self._tell(reason)
            if reason not in self._said and not sys.stderr.isatty():
                self._terminal.remark(f"   {reason} …")
            self._said.add(reason)


def _reasons(document: Mapping[str, Any]) -> list[str]:
    parts = document.get("parts")
    if not isinstance(parts, dict):
        return []
    return [
        f"{name}: {part.get('reason') or 'starting'}"
        for name, part in parts.items()
        if isinstance(part, dict) and not part.get("ready")
    ]
