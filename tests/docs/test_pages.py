"""What the pages say works, because it is done here; links lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.architecture.house import ROOT
from tests.docs.pages import DOCS, commands, run

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
