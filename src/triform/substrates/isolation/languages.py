"""The code languages there are: one folder each, with a `language.yaml` beside the harness.

language: ruby                 the name a type's runtime.yaml refers to
version: "3.3"
file: main.rb                  name of inline source
command: [/usr/bin/ruby, /harness/harness.rb]     run inside the image; the folder is seen as /harness
forks: true                    whether one loaded process can serve many runs
check: check.rb                a program in user-code form, run on every save; absent: nothing is checked
image: {suite: trixie, packages: [ruby]}
gems:                          absent: elements of this language have no dependencies
  resolve: resolve.rb          a program in user-code form: from requirements to a lock
  install: install.rb          another one: from a lock and files to a bundle
  packages: [gcc]              what the build image has beside the runtime image
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

HARNESSES = Path(__file__).parent / "harnesses"
"""The languages that ship with the product."""

_DECLARATION = "language.yaml"
_REQUIRED: Mapping[str, type] = {
    "language": str,
    "version": str,
    "file": str,
    "command": list,
    "forks": bool,
    "image": dict,
}
_OPTIONAL: Mapping[str, type] = {"check": str, "gems": dict}


class LanguageRefused(Exception):
    """A language.yaml is not as it must be; `complaints` lists everything wrong, each led by its path."""

    def __init__(self, complaints: Sequence[str]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(complaints))


@dataclass(frozen=True, slots=True)
class ImageRecipe:
    """What a runtime image is made of: a Debian suite and packages."""

    suite: str
    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GemPrograms:
    """How dependencies of a language become a bundle: two programs beside the harness, and more packages."""

    resolve: str
    install: str
    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Language:
    """One language. `digest` covers every byte of its folder: another harness is another language."""

    name: str
    version: str
    file: str
    command: tuple[str, ...]
    forks: bool
    image: ImageRecipe
    folder: Path
    digest: str
    check: str | None = None
    gems: GemPrograms | None = None

    @property
    def builder(self) -> "Language":
        """The same language in the image that dependencies are built in."""
        if self.gems is None:
            return self
        packages = (*self.image.packages, *self.gems.packages)
        return replace(self, name=f"{self.name}-build", image=replace(self.image, packages=packages))


def read_languages(extra: Sequence[Path] = ()) -> Mapping[str, Language]:
    """Every language by name: the shipped ones and those below the `extra` folders.

    Raises LanguageRefused with all complaints; two folders that claim one name are one of them.
    """
    complaints: list[str] = []
    found: dict[str, Language] = {}
    for declaration in _declarations((HARNESSES, *extra)):
        try:
            language = read_language(declaration)
        except LanguageRefused as refused:
            complaints += refused.complaints
            continue
        if language.name in found:
            complaints.append(f"{declaration}: language {language.name!r} is declared twice")
        found.setdefault(language.name, language)
    if complaints:
        raise LanguageRefused(complaints)
    return MappingProxyType(found)


def _declarations(roots: Sequence[Path]) -> list[Path]:
    return [path for root in roots for path in sorted(root.glob(f"*/{_DECLARATION}"))]


def read_language(declaration: Path) -> Language:
    """One language from its language.yaml. Raises LanguageRefused."""
    document = _document(declaration)
    complaints = [f"{declaration}: {text}" for text in _complaints(document, declaration.parent)]
    if complaints:
        raise LanguageRefused(complaints)
    image = document["image"]
    return Language(
        name=document["language"],
        version=document["version"],
        file=document["file"],
        command=tuple(document["command"]),
        forks=document["forks"],
        image=ImageRecipe(image["suite"], tuple(image["packages"])),
        folder=declaration.parent,
        digest=folder_digest(declaration.parent),
        check=document.get("check"),
        gems=_gems(document.get("gems")),
    )


def _gems(gems: Mapping[str, Any] | None) -> GemPrograms | None:
    return GemPrograms(gems["resolve"], gems["install"], tuple(gems["packages"])) if gems else None


def _document(declaration: Path) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(declaration.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LanguageRefused([f"{declaration}: {error}"]) from error
    if not isinstance(document, dict):
        raise LanguageRefused([f"{declaration}: must be a mapping"])
    return document


def _complaints(document: Mapping[str, Any], folder: Path) -> list[str]:
    known = {**_REQUIRED, **_OPTIONAL}
    found = [f"/{key}: missing" for key in _REQUIRED if key not in document]
    found += [f"/{key}: unknown" for key in document if key not in known]
    found += [
        f"/{key}: must be {expected.__name__}"
        for key, expected in known.items()
        if key in document and not isinstance(document[key], expected)
    ]
    return found or [
        *_command_complaints(document),
        *_image_complaints(document),
        *_check_complaints(document, folder),
        *_gems_complaints(document.get("gems"), folder),
    ]


def _command_complaints(document: Mapping[str, Any]) -> list[str]:
    return [] if _texts(document["command"]) else ["/command: must be a list of texts"]


def _image_complaints(document: Mapping[str, Any]) -> list[str]:
    image = document["image"]
    good = set(image) == {"suite", "packages"} and isinstance(image["suite"], str) and _texts(image["packages"])
    return [] if good else ["/image: must have exactly suite (text) and packages (list of texts)"]


def _check_complaints(document: Mapping[str, Any], folder: Path) -> list[str]:
    check = document.get("check")
    return [] if check is None or (folder / check).is_file() else [f"/check: no file {check} beside it"]


def _gems_complaints(gems: Mapping[str, Any] | None, folder: Path) -> list[str]:
    if gems is None:
        return []
    if set(gems) != {"resolve", "install", "packages"} or not _texts(gems["packages"]):
        return ["/gems: must have exactly resolve, install (names of programs) and packages (list of texts)"]
    programs = [gems["resolve"], gems["install"]]
    return [f"/gems: no file {name} beside it" for name in programs if not (folder / str(name)).is_file()]


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def folder_digest(folder: Path) -> str:
    """SHA-256 over names and contents of all files below `folder`, in hex."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
