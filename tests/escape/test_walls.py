"""Ways out of a sandbox, each tried while the code is loaded and in the handler: what the kernel says to them."""

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.drivers.bench import ENVIRONMENT, Bench
from tests.escape.attempts import LOAD, MARK, Escapes
from triform.substrates.isolation.drivers.process.template import ProcessTemplate

DEVICES = ("null", "zero", "full", "random", "urandom")
NOWHERE = {"ENOENT", "EACCES"}
READ_ONLY = {"EROFS", "EACCES", "EPERM", "ENOENT"}


async def seen(escapes: Escapes, moment: str, program: str, escape: str, given: Any = None) -> Any:
    tried = await escapes.tried(moment, program, escape, given=given)
    assert tried.cause == "ok", tried
    return tried.value


async def test_the_kernel_s_back_doors_are_shut(escapes: Escapes, moment: str) -> None:
    unusual = dict.fromkeys(("clone3", "landlock", "arch number beyond the tables"), "ENOSYS")
    for call, result in (await seen(escapes, moment, "kernel", "calls")).items():
        assert result == {**unusual, "terminal input": "ENOTTY"}.get(call, "EPERM"), call


async def test_numbers_of_another_architecture_end_the_process(escapes: Escapes, moment: str) -> None:
    assert (await escapes.tried(moment, "other_numbers", "x32")).cause == "signal"


@pytest.mark.parametrize("how", ["unshare", "clone", "setns", "any namespace", "mount", "devices"])
async def test_there_is_no_way_into_other_namespaces_or_to_other_mounts(
    escapes: Escapes, moment: str, how: str
) -> None:
    assert set((await seen(escapes, moment, "namespaces", how)).values()) == {"EPERM"}


async def test_other_processes_cannot_be_seen(escapes: Escapes, moment: str) -> None:
    assert await seen(escapes, moment, "processes", "seen") == []


async def test_the_first_process_is_a_closed_book(escapes: Escapes, moment: str) -> None:
    assert set((await seen(escapes, moment, "processes", "first")).values()) == {"EACCES"}


async def test_processes_cannot_be_traced_or_read(escapes: Escapes, moment: str) -> None:
    assert set((await seen(escapes, moment, "processes", "trace")).values()) == {"EPERM"}


async def test_processes_of_the_host_and_of_others_cannot_be_reached(
    escapes: Escapes, moment: str, neighbour: ProcessTemplate
) -> None:
    pids = [os.getpid(), os.getppid(), neighbour.pid, neighbour.first, escapes.bench.driver.launcher_pid]
    answers = await seen(escapes, moment, "processes", "others", {"pids": pids})
    assert set(answers) <= {"ESRCH", "ENOENT"}


async def test_the_first_process_survives_every_signal(escapes: Escapes, moment: str) -> None:
    assert await seen(escapes, moment, "processes", "first process") == "alive"


async def test_a_signal_to_everybody_reaches_nobody(escapes: Escapes, moment: str) -> None:
    assert (await seen(escapes, moment, "processes", "everybody"))[1] == "alive"


async def test_nobody_s_process_group_can_be_joined(escapes: Escapes, moment: str) -> None:
    assert await seen(escapes, moment, "processes", "join a group") == "EPERM"


async def test_bounds_cannot_be_raised(escapes: Escapes, moment: str) -> None:
    assert set((await seen(escapes, moment, "processes", "priority")).values()) <= {"EPERM", "EACCES"}


async def test_there_are_no_sockets_of_any_kind(escapes: Escapes, moment: str) -> None:
    sockets = await seen(escapes, moment, "network", "sockets")
    assert set(map(tuple, sockets.values())) == {("EAFNOSUPPORT",)}, sockets
    assert set((await seen(escapes, moment, "network", "pairs")).values()) == {"EAFNOSUPPORT"}


async def test_a_pair_of_sockets_reaches_nobody_but_itself(escapes: Escapes, moment: str) -> None:
    assert set((await seen(escapes, moment, "network", "a pair made to reach others")).values()) == {"EPERM"}


@pytest.fixture
def listeners() -> Iterator[tuple[dict[str, Any], list[socket.socket]]]:
    """Where the host listens: TCP, a path, an abstract name."""
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        kinds = (socket.AF_INET, socket.AF_UNIX, socket.AF_UNIX)
        inet, path, abstract = made = [stack.enter_context(socket.socket(kind)) for kind in kinds]
        where = {"path": f"{folder}/socket", "abstract": f"escape-{os.getpid()}"}
        inet.bind(("127.0.0.1", 0))
        path.bind(where["path"])
        abstract.bind(f"\0{where['abstract']}")
        Path(where["path"]).chmod(0o777)
        for listener in made:
            listener.listen()
            listener.setblocking(False)
        yield {**where, "port": inet.getsockname()[1]}, made


async def test_nobody_listens_who_could_be_reached(
    escapes: Escapes, moment: str, listeners: tuple[dict[str, Any], list[socket.socket]]
) -> None:
    where, made = listeners
    told = await seen(escapes, moment, "network", "listeners", where)
    assert told.pop("shell") == ""
    assert set(told.values()) <= {"EAFNOSUPPORT", "Socket::ResolutionError", "SocketError"}, told
    for listener in made:
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.fixture
def marked(bench: Bench) -> Iterator[dict[str, Any]]:
    """A file that everybody on the host may read, and places where the host keeps its own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder, "marked")
        file.write_text(MARK)
        own = [
            __file__,
            str(bench.image),
            "/root",
            "/home",
            "/work",
            "/var/lib",
            "/run",
            "/boot",
            "/mnt",
            "/etc/shadow",
        ]
        own += ["/sys/kernel", "/sys/fs/cgroup", "/dev/sda", "/dev/tty", "/dev/kmsg", "/dev/mem", "/proc/kcore"]
        yield {"paths": [str(file), *own], "mark": MARK[::-1]}


async def test_the_hosts_files_are_not_there(escapes: Escapes, moment: str, marked: dict[str, Any]) -> None:
    found = await seen(escapes, moment, "files", "paths", marked)
    assert set(found.values()) <= {*NOWHERE, "folder of 0"}, found


async def test_no_way_around_leads_to_them(escapes: Escapes, moment: str, marked: dict[str, Any]) -> None:
    assert set((await seen(escapes, moment, "files", "ways", marked)).values()) <= NOWHERE


async def test_nothing_that_can_be_read_tells_of_the_hosts_environment(
    escapes: Escapes, moment: str, marked: dict[str, Any]
) -> None:
    assert await seen(escapes, moment, "files", "mark", marked) == []
    assert await seen(escapes, moment, "files", "environment") == ENVIRONMENT


async def test_only_the_standard_descriptors_and_the_harness_s_own_are_open(escapes: Escapes, moment: str) -> None:
    kinds = [target.partition(":")[0] for target in await seen(escapes, moment, "files", "descriptors")]
    assert kinds.count("socket") <= 1
    assert kinds.count("pipe") <= 2 + 2  # the interpreter's own may be there
    own = {"pid", "mnt", "uts", "ipc"} if moment == LOAD else set()  # the harness's, for clones
    assert set(kinds) <= {"/dev/null", "/null", "pipe", "socket", "anon_inode"} | own, kinds


async def test_nothing_but_tmp_can_be_written(escapes: Escapes, moment: str, bench: Bench) -> None:
    before = state(bench.image)
    created = await seen(escapes, moment, "writing", "create")
    assert {answer for answers in created.values() for answer in answers} <= {*READ_ONLY, "EXDEV", "EEXIST"}, (
        created
    )
    changed = await seen(escapes, moment, "writing", "change")
    assert not any(changed.values()), changed
    assert set((await seen(escapes, moment, "writing", "kernel")).values()) <= READ_ONLY
    assert state(bench.image) == before


async def test_what_can_be_written_at_all_is_in_memory(escapes: Escapes, moment: str) -> None:
    mounts = await seen(escapes, moment, "writing", "mounts")
    writable = {place for place, options in mounts if "rw" in options.split(",")}
    assert writable <= {"/tmp", "/dev/shm", "/proc", *(f"/dev/{name}" for name in DEVICES)}
    powerful = {place for place, options in mounts if "nosuid" not in options.split(",")}
    assert powerful <= {f"/dev/{name}" for name in DEVICES}


def state(root: Path) -> list[tuple[str, int, float, int]]:
    """Of every file of an image, enough to see a change."""
    found = []
    for folder, _, names in os.walk(root):
        for name in names:
            about = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - thousands of files
            found.append((f"{folder}/{name}", about.st_size, about.st_mtime, about.st_mode))
    return found


async def test_its_own_program_cannot_be_replaced(escapes: Escapes, moment: str) -> None:
    again, written = await seen(escapes, moment, "writing", "own program")
    assert again in {"EROFS", "EACCES", "ETXTBSY"}
    assert written == ""


async def test_links_lead_no_further_than_their_maker(escapes: Escapes, moment: str) -> None:
    assert await seen(escapes, moment, "writing", "links") == {"hard": "EXDEV", "to_memory": "EACCES"}


async def test_a_program_that_is_started_anew_has_no_more_rights(escapes: Escapes, moment: str) -> None:
    told = await seen(escapes, moment, "writing", "again")
    powers = "0000000000240000" if moment == LOAD else "0000000000000000"
    assert told == [powers, powers, "1", "2", "Errno::EPERM"]
