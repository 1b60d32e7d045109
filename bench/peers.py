"""The peers' ways, over the same interpreter and the same root filesystem as ours."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.figures import Figures

HERE = Path(__file__).parent
LINE = json.dumps({"a": 1, "b": 2}).encode() + b"\n"
EXPECTED = {"sum": 3}
SPAWN = "ruby spawned per run"
_RUBY = ["/usr/bin/ruby", "/bench/peers.rb"]


def staged(root: Path, folder: Path) -> Path:
    """A copy of the image that may be written to, with the handler in it."""
    own = folder / "root"
    shutil.copytree(root, own, symlinks=True)
    (own / "bench").mkdir(parents=True)
    for name in ("handler.rb", "peers.rb"):
        shutil.copy(HERE / name, own / "bench" / name)
    return own


def measured(root: Path, spawned: int, warm: int) -> list[Figures]:
    chroot = ["chroot", str(root), *_RUBY]
    bwrap = ["bwrap", "--unshare-all", "--ro-bind", str(root), "/", "--proc", "/proc", "--dev", "/dev", *_RUBY]
    ways = [_series(SPAWN, lambda: _once([*chroot, "once"]), spawned)]
    if shutil.which("bwrap"):
        ways.append(_series("bubblewrap + ruby per run", lambda: _once([*bwrap, "once"]), spawned))
    ways.append(_warm("bare fork of a warm ruby (the floor)", [*chroot, "fork"], warm))
    ways.append(_warm("one shared ruby process (state leaks)", [*chroot, "shared"], warm))
    return ways


def _once(command: Sequence[str]) -> None:
    done = subprocess.run(command, input=LINE, capture_output=True, check=True)
    _check(done.stdout)


def _warm(name: str, command: Sequence[str], runs: int) -> Figures:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        to, back = process.stdin, process.stdout

        def one() -> None:
            to.write(LINE)
            to.flush()
            _check(back.readline())

        for _ in range(20):
            one()
        found = _series(name, one, runs)
        to.close()
    return found


def _series(name: str, one: Callable[[], None], runs: int) -> Figures:
    durations, begun = [], time.perf_counter()
    for _ in range(runs):
        before = time.perf_counter()
        one()
        durations.append(time.perf_counter() - before)
    return Figures(name, durations, time.perf_counter() - begun)


def _check(answer: bytes) -> None:
    if json.loads(answer) != EXPECTED:
        raise RuntimeError(f"a wrong answer: {answer!r}")
