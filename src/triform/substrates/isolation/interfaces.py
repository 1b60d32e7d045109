"""What a sandbox driver promises. Drivers stay plain: safety sits in `guard`, readiness in `pool`.

A *template* is a sandbox in which a language harness has loaded one version of user code; it is a cache,
never state. An *instance* is one clone of it, good for exactly one run. The frames that cross
`Instance` are drawn in `harnesses/PROTOCOL.md`; whatever comes from a guest is hostile.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import msgspec


class Cause(StrEnum):
    """How an attempt ended: one closed set for every driver."""

    ok = "ok"
    handler_error = "handler_error"
    load_error = "load_error"
    exit = "exit"
    signal = "signal"
    oom = "oom"
    timeout = "timeout"
    output_limit = "output_limit"
    cancelled = "cancelled"
    protocol = "protocol"
    infra_before = "infra_before"
    infra_after = "infra_after"


class Frame(msgspec.Struct, frozen=True):
    """One frame. `kind`: J control JSON, O stdout, E stderr, D data, W window credit."""

    kind: str
    payload: bytes
    stream: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Hard bounds of one run, enforced from outside the guest."""

    memory_mb: int
    pids: int = 64
    open_files: int = 256
    cpus: float = 1.0
    tmp_mb: int = 0
    """0 = half of the memory limit."""


@dataclass(frozen=True, slots=True)
class TemplateSpec:
    """Everything that keys a template. `environment` lives in memory only; `secrets` are the digests of what in
    it is secret, by name: they enter the key, the values do not.

    `image` is the root filesystem of the runtime image, `code` a content-addressed read-only folder that
    the guest sees as /app, `bundle` the same for /bundle.
    """

    language: str
    image: Path
    code: Path
    entry: str
    handler: str
    limits: Limits
    load_timeout_ms: int
    bundle: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict)
    egress: tuple[str, ...] = ()
    owner: str = ""
    """Whose code it is: equal code of two elements never shares a template."""

    key: str = field(init=False, repr=False, compare=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self._digest())

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for part in (
            self.language,
            self.image,
            self.code,
            self.bundle,
            self.entry,
            self.handler,
            self.limits,
            self.egress,
            self.owner,
            sorted({**self.environment, **self.secrets}.items()),
            sorted(self.secrets),
        ):
            digest.update(repr(part).encode() + b"\0")
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a driver can do on this machine, said honestly. `why_not`/`fix` when not available."""

    driver: str
    available: bool
    strength: str
    weaknesses: tuple[str, ...] = ()
    why_not: str = ""
    fix: str = ""


class Exit(msgspec.Struct, frozen=True):
    """The end of an instance, told from outside the guest. CPU in ms, memory in bytes, of this run alone."""

    oom: bool = False
    cpu_ms: float = 0.0
    memory_peak_bytes: int = 0


class Template(Protocol):
    spec: TemplateSpec
    reusable: bool
    """False: the audit found shared state or the language cannot fork; every run gets a template of its own."""
    warnings: tuple[str, ...]
    load_ms: float
    load_output: tuple[Frame, ...]
    """What user code printed while it was loaded (O and E frames, bounded)."""


class Instance(Protocol):
    """A READY sandbox that never saw a request. One invoke, then kill."""

    async def send(self, *frames: Frame) -> None:
        """Writes frames in order. Raises `GuestGone` when the guest no longer reads."""

    def frames(self) -> AsyncIterator[Frame]:
        """Frames from the guest in order of arrival (J, D from the channel; O, E from its stdout and
        stderr); ends when all three are closed. A malformed or oversized frame raises `ProtocolViolation`.
        After `kill` it still yields whatever the guest had written before it died, then ends."""

    def rest(self) -> tuple[Frame, ...]:
        """What has arrived and was not taken yet, without waiting. Nobody iterates `frames()` any more."""

    async def usage(self) -> Exit:
        """What it has used until now, told from outside the guest after its result; it goes on."""

    async def kill(self) -> Exit:
        """SIGKILL to the whole unit of containment, wait until nothing is left, clean up; idempotent. Tells what
        was used, unless `usage` has."""


class Driver(Protocol):
    name: str

    async def probe(self) -> Capabilities:
        """Tries the real thing on this machine; never guesses from a device file."""

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Ends every template and instance; leaves no process, cgroup, mount or file."""

    async def template(self, spec: TemplateSpec) -> Template:
        """Start, load, freeze, audit. Raises `LoadFailed` for what user code did, `DriverFault` otherwise."""

    async def clone(self, template: Any, thaw: Frame) -> Instance:
        """A fresh READY instance of one of its own templates, which has heard `thaw`. Raises `DriverFault`, in
        particular `StillBorn`."""

    async def discard(self, template: Any) -> None:
        """Ends one of its own templates; its instances live on."""


class DriverFault(Exception):
    """The sandbox machinery failed; user code is not at fault."""


class StillBorn(DriverFault):
    """An instance, or the template it was to come from, ended by itself before the instance was ready."""


class GuestGone(Exception):
    """The guest closed its end."""


class ProtocolViolation(Exception):
    """The guest sent something that is not the protocol."""


class LoadFailed(Exception):
    """User code could not be loaded. `cause` says how; `error` is the guest's error object, if it sent one."""

    def __init__(
        self,
        cause: str,
        error: Mapping[str, Any] | None = None,
        output: tuple[Frame, ...] = (),
        ms: float = 0.0,
        detail: str = "",
    ) -> None:
        super().__init__(cause)
        self.detail = detail
        """What the host has to say about it, where the guest said nothing."""
        self.cause = cause
        """load_error, syntax_error, handler_not_found, exit, signal, oom, timeout or protocol."""
        self.error = error
        self.output = output
        self.ms = ms
