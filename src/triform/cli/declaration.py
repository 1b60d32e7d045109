"""`triform.yaml`: one element as a folder. The file is its own help; every key is listed in `KEYS`.

element_type: …          what it is
slug: greet              its address in the circle
name: Greet              optional
intention: …             optional
spec: {…}                what the type's reference describes
files:                   JSON pointers into the spec ← files whose text goes there
  /source/code: main.…
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from triform.cli.filling import Unfit, put, text_of
from triform.cli.outcome import WrongUsage

FILE_NAME = "triform.yaml"
KEYS = ("element_type", "slug", "name", "intention", "spec", "files")


@dataclass(frozen=True, slots=True)
class Declaration:
    """An element as its folder declares it, the text of its files already in `spec`."""

    element_type: str
    slug: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    intention: str | None = None
    files: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """What create and update have in common."""
        named = {"name": self.name, "intention": self.intention}
        return {"spec": self.spec, **{key: value for key, value in named.items() if value is not None}}


def read(folder: Path) -> Declaration:
    """The declaration in `folder`. Collects every complaint; raises WrongUsage."""
    path = folder / FILE_NAME
    document = _load(path)
    complaints = list(_complaints(document))
    if complaints:
        raise WrongUsage(f"{path}: " + "; ".join(complaints), f"the keys are {', '.join(KEYS)}")
    spec = deepcopy(document.get("spec") or {})
    try:
        for pointer, name in (document.get("files") or {}).items():
            put(spec, pointer, text_of(folder, name))
    except Unfit as unfit:
        raise WrongUsage(f"{path}: /files: {unfit.message}", unfit.fix) from unfit
    return Declaration(
        element_type=document["element_type"],
        slug=document["slug"],
        spec=spec,
        name=document.get("name"),
        intention=document.get("intention"),
        files=tuple(map(str, (document.get("files") or {}).values())),
    )


def _load(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WrongUsage(f"no {FILE_NAME} in {path.parent}", "triform new TYPE SLUG makes one") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WrongUsage(f"{path}: {error}", "mend the file") from error
    if not isinstance(document, dict):
        raise WrongUsage(f"{path}: not a mapping of keys", f"the keys are {', '.join(KEYS)}")
    return document


def _complaints(document: Mapping[str, Any]) -> list[str]:
    complaints = [f"/{key}: unknown key" for key in document if key not in KEYS]
    for key in ("element_type", "slug"):
        if not isinstance(document.get(key), str):
            complaints.append(f"/{key}: must be text")
    for key in ("spec", "files"):
        if not isinstance(document.get(key) or {}, dict):
            complaints.append(f"/{key}: must be a mapping")
    return complaints
