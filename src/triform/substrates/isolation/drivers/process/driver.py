"""The `process` driver: templates in namespaces of their own, runs forked from them."""

import asyncio
import itertools
import json
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from triform.substrates.isolation.drivers.process import probe
from triform.substrates.isolation.drivers.process.clone import make_clone
from triform.substrates.isolation.drivers.process.instance import ProcessInstance
from triform.substrates.isolation.drivers.process.link import Link
from triform.substrates.isolation.drivers.process.plans import plan_of, trial_plan
from triform.substrates.isolation.drivers.process.template import ProcessTemplate
from triform.substrates.isolation.interfaces import (
    Capabilities,
    Driver,
    DriverFault,
    Frame,
    StillBorn,
    Template,
    TemplateSpec,
)
from triform.substrates.isolation.languages import Language


class ProcessDriver(Driver):
    """`languages`: by name, as TemplateSpec names them. Works between `start` and `stop`.

    `launcher_uid`: the user whose rights sandboxes are made with, when root does not want to give its own.
    """

    name = "process"

    def __init__(self, languages: Mapping[str, Language], launcher_uid: int | None = None) -> None:
        self._languages = languages
        self._launcher_uid = launcher_uid
        self._link = Link(launcher_uid)
        self._controllers: frozenset[str] = frozenset()
        self._numbers = itertools.count(1)
        self._templates: set[ProcessTemplate] = set()
        self._instances: set[ProcessInstance] = set()

    @property
    def launcher_pid(self) -> int | None:
        return self._link.pid

    async def probe(self) -> Capabilities:
        """Builds a sandbox, empty but for what every one has, and lets it go."""
        if not probe.supported():
            return probe.unsupported()
        own = None if self._link.up else Link(self._launcher_uid)
        link = own or self._link
        try:
            await link.start()
            about = await link.ask("about")
            await _try(link, f"trial{next(self._numbers)}")
        except (DriverFault, OSError) as trouble:
            return probe.unavailable(str(trouble))
        finally:
            if own:
                await own.stop()
        return probe.available(about)

    async def start(self) -> None:
        await self._link.start()
        about = await self._link.ask("about")
        self._controllers = frozenset(about["controllers"])
        self._link.places = about["places"]

    async def stop(self) -> None:
        """Ends every instance and template; leaves no process, group or mount."""
        await asyncio.gather(*(instance.kill() for instance in list(self._instances)), return_exceptions=True)
        await asyncio.gather(*map(self.discard, list(self._templates)), return_exceptions=True)
        await self._link.stop()

    async def template(self, spec: TemplateSpec) -> ProcessTemplate:
        loaded = await self._load(spec)
        if loaded.reusable:
            return loaded
        # Every run will get a process of its own; the one that is loaded is the first run's.
        front = ProcessTemplate(f"{loaded.name}-front", spec, self._link)
        front.reusable, front.warnings = False, loaded.warnings
        front.load_ms, front.load_output, front.spare = loaded.load_ms, loaded.load_output, loaded
        self._templates.add(front)
        return front

    async def clone(self, template: Template, thaw: Frame) -> ProcessInstance:
        """A ready instance. Raises DriverFault; LoadFailed when a template that is not reusable does not load."""
        template = _ours(template)
        if template.reusable:
            template.look_again()
        if template.reusable:
            return await self._clone(template, thaw)
        return await self._clone_of_its_own(template, thaw)

    async def discard(self, template: Template) -> None:
        """Ends a template; instances made from it end with it."""
        template = _ours(template)
        self._templates.discard(template)
        await template.discard()

    async def _load(self, spec: TemplateSpec) -> ProcessTemplate:
        if not self._link.up:  # a launcher that died has taken its templates with it; a new one makes new ones
            await self.start()
        language = self._languages[spec.language]
        template = ProcessTemplate(f"t{next(self._numbers)}", spec, self._link)
        plan = plan_of(spec, language, _binds(spec.image), self._controllers)
        await template.start(plan, language.forks)
        self._templates.add(template)
        return template

    async def _clone(self, template: ProcessTemplate, thaw: Frame, private: bool = False) -> ProcessInstance:
        if not template.alive:
            raise StillBorn("the template's process has ended")
        number = next(self._numbers)
        body = await make_clone(template, self._link, number, thaw)

        async def gone() -> None:
            self._instances.discard(instance)
            template.conversation.unwatch(number)
            if private:
                await self.discard(template)

        instance = ProcessInstance(body, self._link, gone)
        self._instances.add(instance)
        template.watch(number, instance.ended)
        return instance

    async def _clone_of_its_own(self, template: ProcessTemplate, thaw: Frame) -> ProcessInstance:
        spare, template.spare = template.spare, None
        own = spare or await self._load(template.spec)
        try:
            return await self._clone(own, thaw, private=True)
        except BaseException:
            await asyncio.shield(self.discard(own))
            raise


def _ours(template: Template) -> ProcessTemplate:
    if not isinstance(template, ProcessTemplate):
        raise DriverFault(f"not a template of the process driver: {type(template).__name__}")
    return template


def _binds(root: Path) -> Sequence[str]:
    """Folders of the host this image needs (only the host fallback has any)."""
    described = root.parent / "image.json"
    try:
        return tuple(json.loads(described.read_text())["binds"])
    except (FileNotFoundError, KeyError):
        return ()


async def _try(link: Link, name: str) -> None:
    """A sandbox that ends as soon as everything has been set up."""
    ours, theirs = socket.socketpair()
    null = os.open(os.devnull, os.O_RDWR)
    try:
        await link.ask("spawn", (theirs.fileno(), null, null), template=name, plan=trial_plan().as_json())
        await link.ask("discard", template=name)
    finally:
        ours.close()
        theirs.close()
        os.close(null)
