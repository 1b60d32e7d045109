"""What a `git` process may see, do and use up, as a command line. Pure but for `obstacle`.

prlimit      time, memory, size of files; no core dumps
bwrap        file system: /usr, the repository (read-only), a scratch folder; no network, its own pids and names
setpriv      started as root: a user nobody else is, no capabilities
git          with our configuration and an environment of five variables

It ends with its parent: whoever kills the first process has killed them all.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CONFIGURATION = Path(__file__).with_name("gitconfig")
USER = 1_899_000_000
"""Whom git runs as when we are root: a number no system hands out."""

REPOSITORY, SCRATCH = "/repository", "/scratch"
"""Where git finds them."""

_ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/etc/gitconfig",
}
_MERGED = {"/bin": "usr/bin", "/sbin": "usr/sbin", "/lib": "usr/lib", "/lib64": "usr/lib64"}
_TOOLS = {"git": "git", "bwrap": "bubblewrap", "prlimit": "util-linux", "setpriv": "util-linux"}
"""Program → Debian package."""


@dataclass(frozen=True, slots=True)
class Room:
    """Folders of ours that one process sees. What is None is not there."""

    repository: Path | None = None
    scratch: Path | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process may use up."""

    cpu_s: int = 30
    memory_mb: int = 512
    file_mb: int = 256
    open_files: int = 256


@dataclass(frozen=True, slots=True)
class Plan:
    """A git process that may be started. `arguments` follow `git`; `room` and `limits` are all it has."""

    arguments: Sequence[str]
    room: Room = Room()
    limits: Limits = Limits()
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, configuration: int) -> list[str]:
        """The whole command line; `configuration` is a file descriptor of `CONFIGURATION` that it inherits."""
        walls = _walls(self.room, {**_ENVIRONMENT, **self.environment}, configuration)
        return [*_limited(self.limits), *walls, *_unprivileged(), "git", *self.arguments]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why git cannot be run here, and what to do about it."""

    what: str
    fix: str


def obstacle() -> Obstacle | None:
    """None when git can be run. Starts a process."""
    missing = {tool: package for tool, package in _TOOLS.items() if shutil.which(tool) is None}
    if missing:
        packages = " ".join(dict.fromkeys(missing.values()))
        return Obstacle(f"needs {', '.join(missing)}, not installed", f"apt-get install {packages}")
    with CONFIGURATION.open("rb") as opened:
        tried = subprocess.run(
            Plan(["config", "--system", "--list"]).command(opened.fileno()),
            pass_fds=(opened.fileno(),), capture_output=True, text=True, check=False, cwd="/", env={},
        )  # fmt: skip
    if tried.returncode == 0:
        return None
    said = (tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"])[-1]
    return Obstacle(f"cannot be confined here: {said}", "allow user namespaces, or run as root")


def hand_over(folder: Path) -> None:
    """Lets git write a folder, and what is in it."""
    if os.geteuid() == 0:
        for place in (folder, *folder.rglob("*")):
            os.lchown(place, USER, USER)


def _limited(limits: Limits) -> list[str]:
    return [
        "prlimit",
        f"--cpu={limits.cpu_s}",
        f"--as={limits.memory_mb << 20}",
        f"--fsize={limits.file_mb << 20}",
        f"--nofile={limits.open_files}",
        "--core=0",
        "--",
    ]


def _walls(room: Room, environment: Mapping[str, str], configuration: int) -> list[str]:
    walls = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    walls += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv", "--chdir", "/"]
    walls += ["--ro-bind", "/usr", "/usr", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 (its own)
    for link, target in _MERGED.items():
        walls += ["--symlink", target, link]
    walls += ["--dir", "/etc", "--perms", "0444", "--ro-bind-data", str(configuration), "/etc/gitconfig"]
    for name, value in environment.items():
        walls += ["--setenv", name, value]
    if room.repository is not None:
        walls += ["--ro-bind", str(room.repository), REPOSITORY]
    if room.scratch is not None:
        walls += ["--bind", str(room.scratch), SCRATCH]
    return [*walls, *_namespace(), "--"]


def _namespace() -> list[str]:
    """Root needs no user namespace, but for a moment the right to become somebody else."""
    if os.geteuid() != 0:
        return ["--unshare-user"]
    return [part for right in ("SETUID", "SETGID", "SETPCAP") for part in ("--cap-add", f"CAP_{right}")]


def _unprivileged() -> list[str]:
    if os.geteuid() != 0:
        return []
    become = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    return [*become, "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"]
