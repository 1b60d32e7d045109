"""A driver for tests of everything above drivers: real harness, real language, thin walls.

It uses nothing but `unshare`, `mount` and `chroot`: namespaces, but no filter, no cgroup, no uid of its own,
no audit. It never reports memory and never sees an out-of-memory kill. Not reachable from any setting.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from triform.substrates.isolation.channel import control, encode
from triform.substrates.isolation.interfaces import (
    Capabilities,
    DriverFault,
    Exit,
    Frame,
    GuestGone,
    LoadFailed,
    ProtocolViolation,
    Template,
    TemplateSpec,
)
from triform.substrates.isolation.languages import Language
from triform.testing.link import Link

_LAYOUT = """
set -e
mount -t tmpfs -o mode=755 tmpfs "$PLACE"
for name in "$IMAGE"/*; do
  at="$PLACE/${name##*/}"
  if [ -L "$name" ]; then ln -s "$(readlink "$name")" "$at"
  elif [ -d "$name" ]; then mkdir "$at"; fi
done
for name in usr etc var opt; do [ ! -d "$IMAGE/$name" ] || mount --bind "$IMAGE/$name" "$PLACE/$name"; done
mkdir -p "$PLACE/harness" "$PLACE/app" "$PLACE/tmp" "$PLACE/proc" "$PLACE/dev/shm"
mount --bind "$HARNESS" "$PLACE/harness"
mount --bind "$CODE" "$PLACE/app"
mount -t tmpfs -o mode=1777 tmpfs "$PLACE/tmp"
mount -t proc proc "$PLACE/proc"
for name in null zero full random urandom; do
  touch "$PLACE/dev/$name"
  mount --bind "/dev/$name" "$PLACE/dev/$name"
done
exec /usr/sbin/chroot "$PLACE" /usr/bin/env -i PATH=/usr/bin:/bin LANG=C.UTF-8 "$@" </dev/null
"""
_UNSHARE = ("unshare", "--user", "--map-root-user", "--mount", "--pid", "--net", "--fork", "--kill-child")


class ThinTemplate:
    """A loaded harness process behind `ThinDriver`."""

    reusable = True

    def __init__(self, spec: TemplateSpec, process: asyncio.subprocess.Process, link: Link) -> None:
        self.spec = spec
        self.process = process
        self.link = link
        self.warnings: tuple[str, ...] = ()
        self.load_ms = 0.0
        self.load_output: tuple[Frame, ...] = ()
        self.turn = asyncio.Lock()
        self.clones = 0


class ThinDriver:
    """`Driver` for tests. `place` is an empty folder it may mount on, inside namespaces of its own."""

    name = "thin"

    def __init__(self, languages: Mapping[str, Language], place: Path) -> None:
        self._languages = languages
        self._place = place
        self._templates: list[ThinTemplate] = []

    async def probe(self) -> Capabilities:
        return Capabilities(self.name, available=True, strength="none", weaknesses=("for tests only",))

    async def start(self) -> None:
        self._place.mkdir(parents=True, exist_ok=True)

    async def stop(self) -> None:
        for template in list(self._templates):
            await self.discard(template)

    async def template(self, spec: TemplateSpec) -> ThinTemplate:
        template = await self._spawn(spec)
        try:
            async with asyncio.timeout(spec.load_timeout_ms / 1000):
                await self._load(template)
        except TimeoutError:
            raise LoadFailed("timeout", output=await self._abandon(template)) from None
        except GuestGone:
            output = await self._abandon(template)
            code = template.process.returncode or 0
            raise LoadFailed("signal" if code > 128 or code < 0 else "exit", output=output) from None
        except LoadFailed as failed:
            failed.output = await self._abandon(template)
            raise
        except BaseException:
            await self._abandon(template)
            raise
        return template

    async def _spawn(self, spec: TemplateSpec) -> ThinTemplate:
        language = self._languages[spec.language]
        ours, theirs = socket.socketpair()
        output_read, output_write = os.pipe()
        error_read, error_write = os.pipe()
        surroundings = {"PLACE": self._place, "IMAGE": spec.image, "HARNESS": language.folder, "CODE": spec.code}
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *_UNSHARE,
                *(
                    "/bin/sh",
                    "-c",
                    f"exec 3<&0\n{_LAYOUT}",
                    "thin",
                    *language.command,
                ),
                env={name: str(path) for name, path in surroundings.items()} | {"PATH": os.environ["PATH"]},
                stdin=theirs.fileno(),
                stdout=output_write,
                stderr=error_write,
            )
        os.close(output_write)
        os.close(error_write)
        template = ThinTemplate(spec, process, await Link.open(ours, output_read, error_read))
        self._templates.append(template)
        return template

    async def _load(self, template: ThinTemplate) -> None:
        spec, link = template.spec, template.link
        await link.send(control("hello", proto=1))
        _expect(await link.message(), "hello")
        await link.send(
            control(
                "load",
                root="/app",
                entry=spec.entry,
                handler=spec.handler,
                bundle=None,
                environment=dict(spec.environment),
                sandbox={"tmp_bytes": (spec.limits.tmp_mb or spec.limits.memory_mb // 2) << 20, "filter": None},
            )
        )
        loaded = await link.message()
        if loaded["type"] == "load_failed":
            raise LoadFailed(str(loaded["cause"]), error=loaded["error"])
        _expect(loaded, "loaded")
        await link.send(control("freeze"))
        _expect(await link.message(), "frozen")
        template.load_ms, template.warnings = float(loaded["ms"]), tuple(loaded["warnings"])
        template.load_output = tuple(link.printed)

    async def clone(self, template: Template) -> "ThinInstance":
        template = _own(template)
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        output_read, output_write = os.pipe()
        error_read, error_write = os.pipe()
        async with template.turn:
            template.clones += 1
            socket.send_fds(
                template.link.socket,
                [encode(control("clone", clone=template.clones))],
                [theirs.fileno(), output_write, error_write],
            )
        for descriptor in (theirs.detach(), output_write, error_write):
            os.close(descriptor)
        return await ThinInstance.born(ours, output_read, error_read)

    async def discard(self, template: Template) -> None:
        template = _own(template)
        if template in self._templates:
            await self._abandon(template)

    async def _abandon(self, template: ThinTemplate) -> tuple[Frame, ...]:
        self._templates.remove(template)
        if template.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(template.process.pid, signal.SIGKILL)  # Process.kill would reap behind asyncio's back
        await template.process.wait()
        await template.link.drain()
        return tuple(template.link.printed)


class ThinInstance:
    """`Instance` of `ThinDriver`."""

    def __init__(self, link: Link, pid: int) -> None:
        self._link = link
        self._pid = pid
        self._killed = False

    @classmethod
    async def born(cls, ours: socket.socket, output: int, error: int) -> "ThinInstance":
        link = await Link.open(ours, output, error)
        try:
            _expect(await link.message(), "born")
            await link.send(control("go"))
            _expect(await link.message(), "ready")
        except GuestGone as gone:
            await link.drain()
            printed = b"".join(frame.payload for frame in link.printed).decode(errors="replace")
            raise DriverFault(f"a clone died before it was ready: {printed}") from gone
        except BaseException:
            link.cut()
            raise
        return cls(link, link.first)

    async def send(self, *frames: Frame) -> None:
        await self._link.send(*frames)

    async def frames(self) -> AsyncIterator[Frame]:
        while (frame := await self._link.next()) is not None:
            yield frame

    def rest(self) -> tuple[Frame, ...]:
        return self._link.there()

    async def usage(self) -> Exit:
        return Exit()

    async def kill(self) -> Exit:
        if not self._killed:
            self._killed = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        await self._link.closed.wait()
        return Exit()


def _own(template: Template) -> ThinTemplate:
    if not isinstance(template, ThinTemplate):
        raise DriverFault("a template of another driver")
    return template


def _expect(message: Mapping[str, Any], kind: str) -> None:
    if message["type"] != kind:
        raise ProtocolViolation(f"expected {kind}, got {message['type']}")
