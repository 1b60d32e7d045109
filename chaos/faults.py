"""The ways an instance is broken. Each leaves it running again, or says that it has to be started."""

import asyncio
import os
import random
import resource
import signal
from collections.abc import Awaitable, Callable, Mapping

from chaos import victims
from chaos.instance import Instance

Fault = Callable[[Instance, random.Random], Awaitable[None]]


async def kill_server(instance: Instance, chance: random.Random) -> None:
    instance.signal(signal.SIGKILL)
    await instance.gone()
    await instance.start()


async def drain(instance: Instance, chance: random.Random) -> None:
    code = await instance.stop()
    if code != 0:
        raise RuntimeError(f"an orderly end ended with {code}")
    await instance.start()


async def kill_postgres(instance: Instance, chance: random.Random) -> None:
    _kill(victims.postmaster(instance.pid))


async def kill_backend(instance: Instance, chance: random.Random) -> None:
    found = victims.backends(instance.pid)
    _kill(chance.choice(found) if found else None)


async def hang_postgres(instance: Instance, chance: random.Random) -> None:
    """Stopped for some seconds with everything it has, then let go on."""
    top = victims.postmaster(instance.pid)
    pids = list(victims.tree(top)) if top else []
    for pid in pids:
        _send(pid, signal.SIGSTOP)
    await asyncio.sleep(chance.uniform(1.0, 4.0))
    for pid in pids:
        _send(pid, signal.SIGCONT)


async def kill_launcher(instance: Instance, chance: random.Random) -> None:
    _kill(victims.launcher(instance.pid))


async def kill_template(instance: Instance, chance: random.Random) -> None:
    top = victims.launcher(instance.pid)
    found = [pid for pid in victims.sandboxed(instance.pid) if top and _is_child(pid, top)]
    _kill(chance.choice(found) if found else None)


async def kill_run(instance: Instance, chance: random.Random) -> None:
    found = victims.sandboxed(instance.pid)
    _kill(chance.choice(found) if found else None)


async def few_descriptors(instance: Instance, chance: random.Random) -> None:
    """As many open files as it has now and a handful more, for some seconds."""
    soft, hard = resource.prlimit(instance.pid, resource.RLIMIT_NOFILE)
    now = len(os.listdir(f"/proc/{instance.pid}/fd"))  # noqa: PTH208
    resource.prlimit(instance.pid, resource.RLIMIT_NOFILE, (now + 4, hard))
    await asyncio.sleep(chance.uniform(1.0, 3.0))
    resource.prlimit(instance.pid, resource.RLIMIT_NOFILE, (soft, hard))


async def fill_disk(instance: Instance, chance: random.Random) -> None:
    """To the last block, for some seconds: Postgres, what runs print and everything else has no room."""
    if not instance.disk.mounted:
        raise RuntimeError("filling a disk needs one of its own: root, mkfs.ext4 and a loop device")
    instance.disk.fill()
    await asyncio.sleep(chance.uniform(1.0, 6.0))
    instance.disk.free()


async def clock_ahead(instance: Instance, chance: random.Random) -> None:
    """Some hours ahead for some seconds, in which a sandbox dies, then right again."""
    await _wrong_clock(instance, chance, chance.uniform(3600, 10 * 3600))


async def clock_behind(instance: Instance, chance: random.Random) -> None:
    await _wrong_clock(instance, chance, -chance.uniform(3600, 10 * 3600))


async def little_memory(instance: Instance, chance: random.Random) -> None:
    """As much address space as it has now and little more, for some seconds. If it dies of that, it is started."""
    soft, hard = resource.prlimit(instance.pid, resource.RLIMIT_AS)
    most = victims.address_space(instance.pid) + chance.choice([0, 1 << 20, 16 << 20])
    resource.prlimit(instance.pid, resource.RLIMIT_AS, (most, hard))
    await asyncio.sleep(chance.uniform(1.0, 4.0))
    if instance.alive:
        resource.prlimit(instance.pid, resource.RLIMIT_AS, (soft, hard))
    else:
        await instance.gone()
        await instance.start()


FAULTS: Mapping[str, Fault] = {
    "kill -9 of the server": kill_server,
    "SIGTERM and a drain": drain,
    "kill -9 of Postgres": kill_postgres,
    "kill -9 of a Postgres backend": kill_backend,
    "Postgres hangs": hang_postgres,
    "kill -9 of the launcher": kill_launcher,
    "kill -9 of a template": kill_template,
    "kill -9 of a process in a sandbox": kill_run,
    "no file descriptors left": few_descriptors,
    "the disk is full": fill_disk,
    "the clock goes ahead": clock_ahead,
    "the clock goes back": clock_behind,
    "no memory left": little_memory,
}


async def _wrong_clock(instance: Instance, chance: random.Random, ahead_s: float) -> None:
    instance.clock.set_ahead(ahead_s)
    await asyncio.sleep(chance.uniform(0.5, 2.0))
    await chance.choice([kill_launcher, kill_template, kill_run])(instance, chance)
    await asyncio.sleep(chance.uniform(0.0, 2.0))
    instance.clock.set_ahead(0.0)


def _is_child(pid: int, parent: int) -> bool:
    try:
        return victims.depth_of(pid, parent) == 1
    except OSError:
        return False


def _kill(pid: int | None) -> None:
    if pid is not None:
        _send(pid, signal.SIGKILL)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
