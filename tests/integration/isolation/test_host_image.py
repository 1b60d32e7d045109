"""TRIFORM_RUNTIME_IMAGE=host: the host's programs run inside, its files are still not there."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from triform.substrates.isolation.drivers.process.link import Link
from triform.substrates.isolation.drivers.process.plans import plan_of
from triform.substrates.isolation.images import Images
from triform.substrates.isolation.interfaces import Limits, TemplateSpec
from triform.substrates.isolation.languages import ImageRecipe, Language

LOOK = "id -u; ls -d /root /home /var /etc/shadow /run 2>/dev/null; cat /etc/hostname; touch /usr/x 2>&1"


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def printed_by(link: Link, spec: TemplateSpec, language: Language, binds: tuple[str, ...]) -> str:
    """What a sandbox whose first process is the language's command writes to its stdout."""
    ours, theirs = socket.socketpair()
    reading, writing = os.pipe()
    plan = plan_of(spec, language, binds, frozenset({"memory", "pids", "cpu"}))
    await link.ask("spawn", (theirs.fileno(), writing, writing), template="look", plan=plan.as_json())
    os.close(writing)
    with ours, theirs, os.fdopen(reading) as printed:
        return await asyncio.to_thread(printed.read)


async def test_the_hosts_programs_run_and_its_files_are_not_there(folder: Path) -> None:
    language = Language(
        "look", "1", "main", ("/bin/sh", "-c", LOOK), True, ImageRecipe("none", ()), folder, "digest"
    )
    image = Images(folder / "images", pinned="host").find(language)
    spec = TemplateSpec("look", image.root, folder, "main", "handler", Limits(memory_mb=64), 1000)
    link = Link()
    await link.start()
    try:
        lines = (await printed_by(link, spec, language, image.binds)).splitlines()
    finally:
        await link.stop()
    assert lines[:2] == ["1000", "sandbox"]
    assert "Read-only file system" in lines[2]
    assert len(lines) == 3
