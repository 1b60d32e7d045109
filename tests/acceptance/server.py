"""A real server in a process of its own: started, told apart by its pid, stopped or killed."""

import contextlib
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.house import ROOT

IMAGES = ROOT / ".triform" / "images"
"""Runtime images are built once per checkout; whoever comes second waits for the lock."""
_READY_S = 900.0
"""The first start of a checkout builds the runtime image."""
_STOP_S = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """`triform up` on a free loopback port."""

    url: str
    data_dir: Path
    process: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        """SIGTERM: running work is drained first."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: the process gets no chance to tidy up."""
        self._end(signal.SIGKILL)

    def log(self) -> str:
        return _log_of(self.data_dir).read_text(errors="replace")

    def _end(self, sign: signal.Signals) -> None:
        if self.process.poll() is None:
            self.process.send_signal(sign)
        self.process.wait(_STOP_S)


def start(data_dir: Path, **settings: object) -> Server:
    """A server that answers. `settings` are named as in triform.settings, e.g. `queue_limit=1`."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "triform.cli.main", "--json", "up", "--host", "127.0.0.1", "--port", "0"]
    with _notices() as (heard, address), _log_of(data_dir).open("ab") as log:
        process = subprocess.Popen(
            [*command, "--data-dir", str(data_dir)],
            env=_environment(settings, NOTIFY_SOCKET=address),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            return Server(_url(heard, process, data_dir), data_dir, process)
        except BaseException:
            process.kill()
            process.wait()
            raise


def _log_of(data_dir: Path) -> Path:
    return data_dir / "server.log"


def _environment(settings: Mapping[str, object], **more: str) -> dict[str, str]:
    """What tests are run with must not reach the server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRIFORM_")}
    chosen: dict[str, object] = {"image_dir": IMAGES, "log_format": "json", **settings}
    return kept | {f"TRIFORM_{name.upper()}": str(value) for name, value in chosen.items()} | more


@contextlib.contextmanager
def _notices() -> Iterator[tuple[socket.socket, str]]:
    name = f"triform-acceptance-{os.getpid()}-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("\0" + name)
        yield heard, "@" + name


def _url(heard: socket.socket, process: "subprocess.Popen[bytes]", data_dir: Path) -> str:
    """Waits for READY=1 with the address, or for the end of the process."""
    ended = os.pidfd_open(process.pid)
    watched: list[int] = [heard.fileno(), ended]
    try:
        signs, _, _ = select.select(watched, [], [], _READY_S)
    finally:
        os.close(ended)
    if heard.fileno() not in signs:
        tail = _log_of(data_dir).read_text(errors="replace")[-4000:]
        raise RuntimeError(f"the server did not start:\n{tail}")
    return heard.recv(4096).decode().rpartition("serving at ")[2].strip()
