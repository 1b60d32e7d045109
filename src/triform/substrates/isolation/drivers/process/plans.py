"""From what the caller wants to what the launcher does: plans as values. Pure."""

import base64
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from triform.substrates.isolation.drivers.process.launcher.filters import run_filter, template_filter
from triform.substrates.isolation.drivers.process.launcher.numbers import machine
from triform.substrates.isolation.drivers.process.launcher.plan import Bind, Bounds, Plan
from triform.substrates.isolation.interfaces import Limits, TemplateSpec
from triform.substrates.isolation.languages import Language

MIB = 1 << 20
_LOADING_MB = 64
"""What a template may use beyond the memory of a run: the interpreter and the loaded code."""

_MORE_PIDS = 32
"""A clone's first process is born in the template's group and leaves it a moment later."""


def plan_of(spec: TemplateSpec, language: Language, binds: Sequence[str], controllers: frozenset[str]) -> Plan:
    """`binds`: folders of the host the image needs. `controllers`: bounds the kernel enforces by cgroup."""
    limits = spec.limits
    return Plan(
        root=str(spec.image),
        binds=(*(Bind(path, path) for path in binds), *_folders(spec, language.folder)),
        command=language.command,
        filter=_encoded(template_filter(machine())),
        tmp_bytes=tmp_bytes(limits),
        open_files=limits.open_files,
        processes=0 if "pids" in controllers else 16 * limits.pids,
        data=0 if "memory" in controllers else 4 * limits.memory_mb * MIB + 1024 * MIB,
        own=Bounds((limits.memory_mb + _LOADING_MB) * MIB, limits.pids + _MORE_PIDS, max(1.0, limits.cpus)),
        clone=Bounds(limits.memory_mb * MIB, limits.pids, limits.cpus),
    )


def trial_plan() -> Plan:
    """Everything a template needs of this machine, without an image and without starting anything in it."""
    bounds = Bounds(64 * MIB, 16, 1.0)
    return Plan("", (), (), _encoded(template_filter(machine())), MIB, 64, 0, 0, bounds, bounds)


def tmp_bytes(limits: Limits) -> int:
    """Room in /tmp and in /dev/shm. It is memory of the run: half of it, or /tmp would end runs as oom."""
    return (limits.tmp_mb or max(1, limits.memory_mb // 2)) * MIB


@lru_cache(maxsize=1)
def encoded_run_filter() -> str:
    return _encoded(run_filter(machine()))


def _encoded(program: bytes) -> str:
    return base64.b64encode(program).decode()


def _folders(spec: TemplateSpec, harness: Path) -> tuple[Bind, ...]:
    folders = [Bind(str(harness), "/harness"), Bind(str(spec.code), "/app")]
    if spec.bundle:
        folders.append(Bind(str(spec.bundle), "/bundle"))
    return tuple(folders)
