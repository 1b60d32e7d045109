"""The programs that are PID 1, run by themselves; in a pid namespace where they need one."""

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from triform.substrates.isolation.channel import Decoder, parse_control
from triform.substrates.isolation.drivers.process.launcher.inits import LINE, clones_first, templates_first
from triform.substrates.isolation.drivers.process.launcher.numbers import TABLES, machine

ELF_MACHINES = {"x86_64": 62, "aarch64": 183}
WRITABLE, EXECUTABLE = 2, 1
MOTHER = """
import os, signal, sys
os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), 4)
if os.fork():
    os.execv(sys.argv[2], ["first"])
if os.fork() == 0:  # an orphan: it is waited for, and is not the one that counts
    os._exit(1)
os.kill(os.getpid(), signal.SIGTERM) if sys.argv[3] == "signal" else os._exit(7)
"""


@pytest.mark.parametrize("make", [clones_first, templates_first])
@pytest.mark.parametrize("architecture", TABLES)
def test_nothing_of_it_is_both_writable_and_executable(architecture: str, make: Callable[[str], bytes]) -> None:
    program = make(architecture)
    kind, told_machine = struct.unpack_from("<HH", program, 16)
    flags = [struct.unpack_from("<II", program, 64 + 56 * number) for number in range(2)]
    assert (program[:4], kind, told_machine) == (b"\x7fELF", 2, ELF_MACHINES[architecture])
    assert [loaded for loaded, _ in flags] == [1, 1]
    assert all(flag & (WRITABLE | EXECUTABLE) != WRITABLE | EXECUTABLE for _, flag in flags)


def placed(program: bytes, folder: Path) -> Path:
    path = folder / "first"
    path.write_bytes(program)
    path.chmod(0o755)
    return path


def test_a_clones_first_process_says_born_lets_go_of_the_channel_and_sits_there(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.dup2(writer, 40)
    start = f'exec {LINE}>&40 40>&-; exec "$0"'
    with subprocess.Popen(
        ["/bin/bash", "-c", start, placed(clones_first(machine()), tmp_path)], pass_fds=[40]
    ) as it:
        os.close(40)
        os.close(writer)
        (frame,) = Decoder().feed(os.read(reader, 100))
        told = [parse_control(frame), os.read(reader, 100), it.poll()]
        status = Path(f"/proc/{it.pid}/status").read_text()
        owner = Path(f"/proc/{it.pid}/environ").stat().st_uid
        it.kill()
    os.close(reader)
    assert told == [{"type": "born"}, b"", None]
    assert "\nCapPrm:\t0000000000000000\n" in status
    assert owner == 0  # not dumpable: /proc belongs to root, whoever runs it


@pytest.mark.parametrize(("how", "status"), [("exit", 7), ("signal", -15)])
def test_a_templates_first_process_tells_how_process_2_ended(tmp_path: Path, how: str, status: int) -> None:
    told = tmp_path / "status"
    arguments = [
        os.path.realpath(sys.executable),
        "-I",
        "-S",
        "-c",
        MOTHER,
        told,
        placed(templates_first(machine()), tmp_path),
    ]
    subprocess.run(["unshare", "--user", "--map-root-user", "--pid", "--fork", *arguments, how], check=True)
    assert os.waitstatus_to_exitcode(int.from_bytes(told.read_bytes(), sys.byteorder)) == status
