"""`triform new TYPE SLUG`: a folder to start from, made of the first example of the type's chemistry."""

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triform.cli.completion import types
from triform.cli.declaration import FILE_NAME
from triform.cli.outcome import Stop, WrongUsage
from triform.cli.terminal import AsJson, terminal_of

if TYPE_CHECKING:
    from triform.chemistry.catalogue import ElementType
    from triform.chemistry.model import Example

SLUG = re.compile(r"[a-z][a-z0-9-]{0,62}")
TEST_INPUT = "test.json"


def add_to(app: typer.Typer) -> None:
    app.command("new")(new)


def new(
    ctx: typer.Context,
    element_type: Annotated[
        str, typer.Argument(metavar="TYPE", help="An element type (triform chemistry list).", autocompletion=types)
    ],
    slug: Annotated[str, typer.Argument(help="Its address in the circle: a-z, 0-9, -.")],
    folder: Annotated[Path | None, typer.Option("--in", help="Where; default is ./SLUG.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a folder with a working element.

    Its source, its declaration (triform.yaml) and a test input (test.json).
    """
    if not SLUG.fullmatch(slug):
        raise WrongUsage(
            f"{slug!r} is no slug", "a letter first, then letters, digits and hyphens, all lower case"
        )
    target = folder or Path(slug)
    written = write(target, element_type, slug)
    terminal = terminal_of(ctx)
    facts = {"folder": str(target), "files": [path.name for path in written]}
    terminal.answer(facts, lambda: "\n".join(str(path) for path in written))
    terminal.remark(f"next: triform deploy {target}, then triform invoke {slug} --input {target / TEST_INPUT}")


def write(target: Path, type_name: str, slug: str) -> list[Path]:
    """Write the starter files of a type into `target`, which must be new or empty."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Stop(f"{target} exists and is not empty", "choose another folder with --in")
    files = starter(type_name, slug)
    target.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (target / name).write_text(text, encoding="utf-8")
    return [target / name for name in files]


def starter(type_name: str, slug: str) -> dict[str, str]:
    """File name → text for a new element of a type."""
    found = _type(type_name)
    if not found.examples:
        raise Stop(f"{type_name} has no example to start from", "triform chemistry show " + type_name)
    example = next((one for one in found.examples if one.name == slug), found.examples[0])
    spec, files = deepcopy(dict(example.spec)), {}
    inline = _inline_source(found, spec)
    if inline:
        pointer, file_name, text = inline
        files[file_name] = text if text.endswith("\n") else text + "\n"
        return {**files, FILE_NAME: _declared(found, slug, example, spec, {pointer: file_name}), **_input(example)}
    return {FILE_NAME: _declared(found, slug, example, spec, {}), **_input(example)}


def _type(name: str) -> "ElementType":
    from triform.cli.chemistry import catalogue

    known = catalogue()
    found = known.find(name)
    if found is None or found.tenant:
        creatable = ", ".join(sorted(kind.name for kind in known.types.values() if not kind.tenant))
        raise WrongUsage(f"there is no element type {name!r}", f"one of: {creatable}")
    return found


def _inline_source(found: "ElementType", spec: dict[str, Any]) -> tuple[str, str, str] | None:
    """Take inline code out of the spec: (its pointer, the file it belongs into, its text)."""
    pointer = found.limits.get("source")
    source = spec.get(pointer[1:]) if pointer else None
    if not isinstance(source, dict) or "code" not in source or found.language is None:
        return None
    return f"{pointer}/code", _source_file(found.language), source.pop("code")


def _source_file(language: str) -> str:
    """The name a language gives to inline source."""
    from triform.cli.up import settings
    from triform.substrates.isolation.languages import read_languages

    return read_languages(settings().harnesses)[language].file


def _input(example: "Example") -> dict[str, str]:
    call = next((call for call in example.calls if call.error is None), None)
    sample = call.input if call else {}
    return {TEST_INPUT: json.dumps(sample, ensure_ascii=False, indent=2) + "\n"}


def _declared(
    found: "ElementType", slug: str, example: "Example", spec: Mapping[str, Any], files: Mapping[str, str]
) -> str:
    import yaml

    head = {
        "element_type": found.name,
        "slug": slug,
        "name": slug.replace("-", " ").capitalize(),
        "intention": example.description or example.title,
        "spec": spec,
    }
    text = f"# {found.title}: {found.one_line}\n# All of its properties: triform chemistry show {found.name}\n"
    text += yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=110)
    if files:
        text += "\n# The text of these files goes to these places of the spec.\n"
        text += yaml.safe_dump({"files": dict(files)}, sort_keys=False)
    return text
