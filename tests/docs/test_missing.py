"""What can be set, called, seen or go wrong is documented: the tests name what is not."""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from typer.main import get_command

import triform
from tests.architecture.house import ROOT
from tests.docs.pages import DOCS
from tests.shipped import CATALOGUE
from triform.cli.main import app
from triform.errors import TriformError
from triform.observability.platform_metrics import PLATFORM
from triform.settings import Settings

REFERENCE = DOCS / "reference"
SOURCE = sorted(path for path in (ROOT / "src").rglob("*") if path.suffix in (".py", ".sql"))
INNER = {"TRIFORM_DEMO_COMMAND"}
"""Said by one of our programs to another."""


def missing(names: Iterable[str], *pages: str) -> list[str]:
    """The names that none of these pages has, as a heading or as `code`."""
    text = "\n".join(path.read_text() for page in pages for path in sorted(DOCS.parent.glob(page)))
    return sorted(name for name in set(names) if not re.search(_shown(name), text, re.MULTILINE))


def _shown(name: str) -> str:
    return rf"^#+ {re.escape(name)}$|`{re.escape(name)}(?![\w.-])[^`\n]*`"


def _settings() -> Iterator[str]:
    yield from (f"TRIFORM_{name.upper()}" for name in Settings.model_fields)


def _variables() -> Iterator[str]:
    for path in [*SOURCE, *(ROOT / "bin").iterdir()]:
        yield from re.findall(r"\bTRIFORM_[A-Z]+(?:_[A-Z]+)*\b(?!_)", path.read_text())


def _operations() -> Iterator[str]:
    yield from (name for kind in CATALOGUE.types.values() for name in kind.operations)


def _raised(known: type[TriformError] = TriformError) -> Iterator[str]:
    """The code of every error class of the product."""
    if known.__module__.startswith("triform."):
        yield known.code
    for below in known.__subclasses__():
        yield from _raised(below)


def _codes() -> Iterator[str]:
    for module in pkgutil.walk_packages(triform.__path__, "triform."):
        if ".harnesses." not in module.name:
            importlib.import_module(module.name)
    yield from _raised()
    yield from CATALOGUE.errors
    yield from (code for kind in CATALOGUE.types.values() for code in kind.errors)


def _events_of_types() -> Iterator[str]:
    yield from (event.name for kind in CATALOGUE.types.values() for event in kind.events)


def _events_of_the_platform() -> Iterator[str]:
    """As they are written into the source; a run ends with an event of its status."""
    for path in SOURCE:
        yield from re.findall(r"""["']((?:run|element)\.[a-z_]+)["']""", path.read_text())
    yield from (f"run.{status}" for status in ("completed", "failed", "cancelled"))


def _metrics() -> Iterator[str]:
    yield from (family.name for family in PLATFORM)
    yield from (metric.name for kind in CATALOGUE.types.values() for metric in kind.metrics)


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield path, command
    for name, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield from _commands(child, f"{path} {name}")


VERBS = dict(_commands(get_command(app), "triform"))

EVERYTHING = {
    "settings": (_settings, "docs/reference/settings.md"),
    "variables": (lambda: set(_variables()) - INNER, "docs/**/*.md"),
    "operations": (_operations, "docs/reference/operations.md"),
    "error codes": (_codes, "docs/reference/errors.md"),
    "events of types": (_events_of_types, "docs/reference/types/*.md"),
    "events of the platform": (_events_of_the_platform, "docs/concepts/runs.md"),
    "metrics": (_metrics, "docs/reference/metrics.md"),
    "verbs": (lambda: VERBS, "docs/reference/cli.md"),
}


@pytest.mark.parametrize("what", EVERYTHING)
def test_all_of_them_are_documented(what: str) -> None:
    names, page = EVERYTHING[what]
    assert list(names()), "there are some"
    assert missing(names(), page) == []


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_a_verb_stands_under_it(verb: str) -> None:
    page = (REFERENCE / "cli.md").read_text()
    section = page.partition(f"\n## {verb}\n")[2].partition("\n## ")[0]
    options = [option for parameter in VERBS[verb].params for option in parameter.opts if option.startswith("-")]
    unsaid = [option for option in options if option not in section and option not in ("--json", "--help")]
    assert unsaid == []


@pytest.mark.parametrize("name", ["TRIFORM_COLOUR", "conjure", "NO_SUCH_CODE", "run.paused", "ruby_joy", "deplo"])
def test_what_is_not_there_is_missed(name: str) -> None:
    assert missing([name], "docs/reference/*.md", "docs/concepts/*.md") == [name]
