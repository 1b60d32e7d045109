"""A driver under test with one language: loads programs, makes runs, looks from outside what is left."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from triform.clock import SystemClock
from triform.substrates.isolation.channel import control, data, parse_control
from triform.substrates.isolation.drivers.process.driver import ProcessDriver
from triform.substrates.isolation.interfaces import Exit, Frame, Instance, Limits, Template, TemplateSpec
from triform.substrates.isolation.languages import Language
from triform.substrates.isolation.maker import thaw

PROGRAMS = Path(__file__).parent / "programs"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "TZ": "UTC", "TMPDIR": "/tmp"}


@dataclass(frozen=True)
class Ran:
    """What came out of one run: `output` when there was a result, `said` all control messages."""

    output: Any
    said: tuple[Any, ...]
    stdout: str
    stderr: str
    exit: Exit

    def last(self, kind: str) -> Any:
        return next((message for message in reversed(self.said) if message["type"] == kind), None)


class Bench:
    def __init__(self, driver: ProcessDriver, language: Language, image: Path, folder: Path) -> None:
        self.driver = driver
        self.language = language
        self.image = image
        self._folder = folder

    def spec(self, program: str, limits: Limits | None = None, load_timeout_ms: int = 10_000) -> TemplateSpec:
        source = next((PROGRAMS / self.language.name).glob(f"{program}.*"))
        return self.spec_of(program, source.read_text(), limits, load_timeout_ms)

    def spec_of(
        self,
        name: str,
        source: str,
        limits: Limits | None = None,
        load_timeout_ms: int = 10_000,
        environment: Mapping[str, str] = ENVIRONMENT,
    ) -> TemplateSpec:
        """`name` is that of the folder the source is put into."""
        code = self._folder / name
        code.mkdir(mode=0o755, exist_ok=True)
        (code / self.language.file).write_text(source)
        return TemplateSpec(
            language=self.language.name,
            image=self.image,
            code=code,
            entry=self.language.file,
            handler="handler",
            limits=limits or Limits(memory_mb=64),
            load_timeout_ms=load_timeout_ms,
            environment=environment,
        )

    async def run(self, template: Template, probe: str = "", **arguments: Any) -> Ran:
        """One run from clone to kill."""
        instance = await self.driver.clone(template, anew())
        await invoke(instance, probe, **arguments)
        return await finish(instance)


def anew() -> Frame:
    """What tells an instance from any other."""
    return thaw(SystemClock())


async def invoke(instance: Instance, probe: str = "", **arguments: Any) -> None:
    event = json.dumps({"probe": probe, **arguments}).encode()
    await instance.send(control("invoke", run="r", bytes=len(event), context={}), *data(event))


async def finish(instance: Instance, until: Callable[[Frame], bool] | None = None) -> Ran:
    """Reads until the verdict (or `until`), kills, reads what is left."""
    frames: list[Frame] = []
    stop = until or _verdict
    with anyio.fail_after(30):
        async for frame in instance.frames():
            frames.append(frame)
            if stop(frame):
                break
        ended = await instance.kill()
        frames += [frame async for frame in instance.frames()]
    return _ran(frames, ended)


def printed(text: str) -> Callable[[Frame], bool]:
    return lambda frame: frame.kind == "O" and text.encode() in frame.payload


def _verdict(frame: Frame) -> bool:
    return frame.kind == "J" and parse_control(frame)["type"] in ("result", "exited")


def _ran(frames: Iterable[Frame], ended: Exit) -> Ran:
    parts: dict[str, list[bytes]] = {"J": [], "D": [], "O": [], "E": []}
    for frame in frames:
        parts[frame.kind].append(frame.payload)
    said = tuple(json.loads(payload) for payload in parts["J"])
    body = b"".join(parts["D"])
    succeeded = any(message["type"] == "result" and "bytes" in message for message in said)
    stdout, stderr = (b"".join(parts[kind]).decode() for kind in "OE")
    return Ran(json.loads(body) if succeeded else None, said, stdout, stderr, ended)


async def eventually(holds: Callable[[], bool], within_s: float = 5.0) -> None:
    """Returns when it holds; the kernel takes its own time to let go of things."""
    with anyio.fail_after(within_s):
        while not holds():  # noqa: ASYNC110 - there is no event: this is the kernel
            await anyio.sleep(0.005)
