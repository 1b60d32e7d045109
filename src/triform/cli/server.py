"""An instance as a process of its own: start it, wait until it is ready, stop it."""

import contextlib
import json
import os
import secrets
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triform.cli.outcome import Stop
from triform.cli.terminal import Terminal

HOST = "127.0.0.1"
NOTE = "instance.json"
LOG = "instance.log"
_READY_S = 900.0
"""A first start may have to build a runtime image."""
_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Server:
    """A running instance. `process` is there when this process started it."""

    url: str
    pid: int
    data_dir: Path
    process: "subprocess.Popen[bytes] | None" = None

    def stop(self) -> None:
        """End the instance if this process started it; running work is drained first."""
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait()
        (self.data_dir / NOTE).unlink(missing_ok=True)


def start(terminal: Terminal) -> Server:
    """The instance of the data folder: the one that runs there already, else a new one, ready to serve."""
    from triform.cli.up import settings

    data_dir = settings().data_dir.absolute()
    running = _running(data_dir)
    if running:
        terminal.remark(f"an instance runs here already (pid {running.pid})")
        return running
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with notices() as (heard, address):
        server = _spawn(data_dir, free_port(settings().port), address)
        try:
            with terminal.working("starting") as tell:
                wait(server, heard, Progress(tell, data_dir / LOG))
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
                probe.bind((HOST, port))
                found: int = probe.getsockname()[1]
                return found
    raise Stop(f"no port is free on {HOST}", "stop something that listens there")


def readiness(url: str) -> tuple[bool, Mapping[str, Any]]:
    """Whether the instance serves, and what it says about itself."""
    import httpx2

    from triform.cli.client import nobody_trusted

    try:
        answer = httpx2.get(url + "/readyz", timeout=5.0, trust_env=False, verify=nobody_trusted())
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


@contextlib.contextmanager
def notices() -> Iterator[tuple[socket.socket, str]]:
    """Where an instance says that it is up, and the name of that place for NOTIFY_SOCKET."""
    name = f"triform-{os.getpid()}-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("\0" + name)
        yield heard, "@" + name


def _spawn(data_dir: Path, port: int, supervisor: str) -> Server:
    """Detached, so that it outlives this process and its terminal."""
    environment = {**os.environ, "TRIFORM_DATA_DIR": str(data_dir), "NOTIFY_SOCKET": supervisor}
    command = [sys.executable, "-m", "triform.cli.main", "--json", "up", "--host", HOST, "--port", str(port)]
    with (data_dir / LOG).open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    return Server(f"http://{HOST}:{port}", process.pid, data_dir, process)


def wait(server: Server, heard: socket.socket, progress: "Progress") -> None:
    """Until the instance says that it is up. Raises Stop when it ends, takes too long or is not well."""
    ended = os.pidfd_open(server.pid)
    watched: list[Any] = [heard, ended]
    try:
        for _ in range(int(_READY_S / _LOOK_S)):
            signs, _, _ = select.select(watched, [], [], _LOOK_S)
            progress.tell()
            if heard in signs:
                return _look_closer(server)
            if signs:
                raise Stop(f"the instance ended while starting:\n{_tail(server)}", _fix(server))
    finally:
        os.close(ended)
    raise Stop(f"the instance was not up after {_READY_S:.0f} s", _fix(server))


def _look_closer(server: Server) -> None:
    ready, document = readiness(server.url)
    if not ready:
        reasons = "; ".join(_reasons(document)) or "it does not answer"
        raise Stop(f"the instance is up, but not ready: {reasons}", _fix(server))


def _reasons(document: Mapping[str, Any]) -> list[str]:
    """What /readyz says is not well."""
    parts: Mapping[str, Mapping[str, Any]] = document.get("parts") or {}
    return [f"{name}: {part.get('reason')}" for name, part in parts.items() if not part.get("ready")]


def _tail(server: Server) -> str:
    lines = (server.data_dir / LOG).read_text(errors="replace").splitlines()
    return "\n".join("    " + line for line in lines[-15:])


def _fix(server: Server) -> str:
    return f"the whole log is in {server.data_dir / LOG}; triform doctor says what is missing"


class Progress:
    """Tells the steps a starting instance writes into its log."""

    def __init__(self, tell: Callable[[str], None], log: Path) -> None:
        self._tell = tell
        self._log = log
        self._told = 0

    def tell(self) -> None:
        """What is new since the last time."""
        steps = list(self._steps())
        for step in steps[self._told :]:
            self._tell(step)
        self._told = len(steps)

    def _steps(self) -> Iterator[str]:
        for line in self._log.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict) and "step" in entry:
                    yield str(entry["step"])
