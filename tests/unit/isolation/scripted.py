"""A driver without any guest: every step is a line of a script, every step is counted."""

import asyncio
from collections.abc import AsyncIterator, Callable

from triform.substrates.isolation.interfaces import (
    Capabilities,
    Exit,
    Frame,
    GuestGone,
    Template,
    TemplateSpec,
)


class ScriptedInstance:
    """Plays `frames` once it has been sent something; `exit` is what the driver saw from outside."""

    def __init__(self, *frames: Frame | Exception, exit_: Exit | None = None, ends: bool = True) -> None:
        self.script = list(frames)
        self.exit = exit_ or Exit()
        self.ends = ends
        self.sent: list[Frame] = []
        self.deaf = False
        self.kills = 0
        self.dead = asyncio.Event()
        self._started = asyncio.Event()
        self._heard = asyncio.Condition()
        self.after_kill: list[Frame] = []

    async def send(self, *frames: Frame) -> None:
        self._started.set()
        if self.deaf or self.dead.is_set():
            raise GuestGone("nobody reads")
        self.sent += frames
        async with self._heard:
            self._heard.notify_all()

    async def heard(self, count: int) -> list[Frame]:
        """Everything sent, once it is so many frames."""
        async with self._heard:
            await self._heard.wait_for(lambda: len(self.sent) >= count)
        return self.sent

    async def frames(self) -> AsyncIterator[Frame]:
        await self._started.wait()
        while self.script:
            frame = self.script.pop(0)
            if isinstance(frame, Exception):
                raise frame
            yield frame
        if not self.ends:
            await self.dead.wait()
        for frame in self.after_kill:
            yield frame

    def rest(self) -> tuple[Frame, ...]:
        left, self.script = self.script, []
        return tuple(frame for frame in left if isinstance(frame, Frame))

    async def usage(self) -> Exit:
        return self.exit

    async def kill(self) -> Exit:
        self.kills += 1
        self.dead.set()
        return self.exit


class ScriptedTemplate:
    def __init__(self, spec: TemplateSpec, reusable: bool = True) -> None:
        self.spec = spec
        self.reusable = reusable
        self.warnings: tuple[str, ...] = ()
        self.load_ms = 1.0
        self.load_output: tuple[Frame, ...] = (Frame("O", b"loading\n"),)


class ScriptedDriver:
    """Templates and clones at once, unless `on_template` or `on_clone` say otherwise (wait, raise)."""

    name = "scripted"

    def __init__(self) -> None:
        self.reusable = True
        self.templates: list[ScriptedTemplate] = []
        self.discarded: list[Template] = []
        self.instances: list[ScriptedInstance] = []
        self.on_template: Callable[[TemplateSpec], object] = lambda spec: None
        self.on_clone: Callable[[Template], object] = lambda template: None
        self.make: Callable[[], ScriptedInstance] = ScriptedInstance

    @property
    def alive(self) -> list[ScriptedInstance]:
        return [instance for instance in self.instances if not instance.dead.is_set()]

    @property
    def standing(self) -> list[ScriptedTemplate]:
        return [template for template in self.templates if template not in self.discarded]

    async def probe(self) -> Capabilities:
        return Capabilities(self.name, available=True, strength="none")

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def template(self, spec: TemplateSpec) -> Template:
        await _obey(self.on_template(spec))
        template = ScriptedTemplate(spec, self.reusable)
        self.templates.append(template)
        return template

    async def clone(self, template: Template, thaw: Frame) -> ScriptedInstance:
        await _obey(self.on_clone(template))
        instance = self.make()
        instance.sent.append(thaw)
        self.instances.append(instance)
        return instance

    async def discard(self, template: Template) -> None:
        self.discarded.append(template)


async def _obey(order: object) -> None:
    await asyncio.sleep(0)
    if asyncio.iscoroutine(order):
        await order
    elif isinstance(order, Exception):
        raise order
