"""What the pages say works, because it is done here; links lead somewhere."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tests.architecture.house import ROOT
from tests.docs.pages import DOCS, blocks, commands, run
from triform.cli.groups import DefaultVerb
from triform.cli.main import app
from triform.settings import Settings

WRITTEN = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def test_adding_an_element_type_works_as_the_page_says(tmp_path: Path) -> None:
    done = run(commands(DOCS / "how-to/add-an-element-type.md"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "hello/main.rb").is_file()


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = [target for target in _LINK.findall(page.read_text()) if not target.startswith("/")]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_with_commands_is_tried_by_a_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    pages = [str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if blocks(page, "bash")]
    assert len(pages) > 5
    assert [page for page in pages if f'"{page}"' not in tests] == []


_SHOWN = re.compile(r"(?:^|[ (/])triform ((?!setup:)[a-z-][^|)\n]*)", re.MULTILINE)
_OPTION = re.compile("-[a-z]|--[a-z-]+")


def _shown(page: Path) -> list[str]:
    """What follows `triform` in the blocks of a page."""
    return [words for block in blocks(page, "", "bash", "ini") for words in _SHOWN.findall(block)]


def _understood(shown: str) -> bool:
    """Whether verb and options exist."""
    command: Any = get_command(app)
    words = shlex.split(re.sub("[\"']", "", shown), comments=True)
    while words and hasattr(command, "commands"):
        if words[0] == "--json":
            words = words[1:]
        elif words[0] in command.commands:
            command, words = command.commands[words[0]], words[1:]
        elif isinstance(command, DefaultVerb):
            command = command.commands[command.default]
        else:
            return False
    known = {"--json", "--help", *(option for parameter in command.params for option in parameter.opts)}
    return all(word in known for word in words if _OPTION.fullmatch(word))


@pytest.mark.parametrize("page", [page for page in WRITTEN if _shown(page)], ids=lambda page: page.name)
def test_every_command_shown_exists(page: Path) -> None:
    assert [shown for shown in _shown(page) if not _understood(shown)] == []


@pytest.mark.parametrize("shown", ["conjure", "invoke x --shiny", "runs --colour", "image mend", "token -x"])
def test_a_command_that_does_not_exist_is_noticed(shown: str) -> None:
    assert not _understood(shown)


@pytest.mark.parametrize("page", [page for page in WRITTEN if blocks(page, "toml")], ids=lambda page: page.name)
def test_settings_shown_as_toml_are_settings(page: Path) -> None:
    shown = {name for block in blocks(page, "toml") for name in tomllib.loads(block)}
    assert shown <= set(Settings.model_fields)
