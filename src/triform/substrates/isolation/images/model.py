"""A runtime image as a value, and what it is keyed by. No I/O."""

import hashlib
import json
import platform
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from triform.substrates.isolation.languages import ImageRecipe

ALWAYS = ("base-files", "libc6", "libc-bin", "dash", "coreutils", "ca-certificates", "tzdata")
"""In every image: a shell, the small tools, certificates, time zones."""

FORM = 1
"""Counts up when `finish` makes something else of the same packages: older images are then built anew."""

HOST = "host"


@dataclass(frozen=True, slots=True)
class Image:
    """`root` is the root filesystem; `binds` are folders of the host it needs beside it (host fallback only).

    `digest` covers every path, mode and content below `root`; `recipe` what the image was asked to be.
    """

    digest: str
    recipe: str
    language: str
    version: str
    suite: str
    architecture: str
    packages: tuple[str, ...]
    """`name_version`, as installed."""
    bytes: int
    built_at: datetime
    root: Path
    binds: tuple[str, ...] = field(default=())

    @property
    def label(self) -> str:
        """For people: `ruby-3.3`."""
        return f"{self.language}-{self.version}"


def recipe_digest(recipe: ImageRecipe) -> str:
    """What decides whether an image is the one a language asks for. The mirror does not."""
    parts = (recipe.suite, sorted({*ALWAYS, *recipe.packages}), platform.machine(), FORM)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def to_json(image: Image) -> str:
    members = asdict(image)
    del members["root"]
    return json.dumps(members | {"built_at": image.built_at.isoformat()}, indent=1)


def from_json(text: str, root: Path) -> Image:
    """The image described by an image.json. ValueError, KeyError or TypeError when it is none."""
    members: dict[str, Any] = json.loads(text)
    return Image(
        **members
        | {
            "root": root,
            "built_at": datetime.fromisoformat(members["built_at"]),
            "packages": tuple(members["packages"]),
            "binds": tuple(members["binds"]),
        }
    )
