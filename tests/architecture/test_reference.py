"""What the reference promises to list, it lists; a stale page is noticed."""

import re
from pathlib import Path

import pytest

from tests.architecture.house import ROOT
from triform.chemistry.catalogue import load
from triform.cli import reference
from triform.cli.main import VERBS
from triform.executor.hooks import HOOKS
from triform.observability.platform_metrics import PLATFORM
from triform.settings import Settings

HIDDEN = {"demo"}
"""Reached through bin/demo only."""


def test_every_setting_is_in_the_reference() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text()
    missing = [name for name in Settings.model_fields if f"`TRIFORM_{name.upper()}`" not in page]
    assert missing == []


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_every_verb_is_in_the_reference() -> None:
    page = (ROOT / "docs/reference/cli.md").read_text()
    verbs = {verb.__name__.rpartition(".")[2] for verb in VERBS} - HIDDEN
    assert [verb for verb in verbs if f"## triform {verb}" not in page] == []


def test_every_metric_is_in_the_reference() -> None:
    page = (ROOT / "docs/reference/metrics.md").read_text()
    named = [metric.name for kind in load(known_hooks=HOOKS.keys()).types.values() for metric in kind.metrics]
    assert [name for name in (*named, *(one.name for one in PLATFORM)) if f"`{name}`" not in page] == []


def test_every_metric_the_how_to_speaks_of_exists() -> None:
    page = (ROOT / "docs/how-to/observe.md").read_text()
    spoken = set(re.findall(r"\btriform_[a-z_]+", page))
    known = {one.name for one in PLATFORM}
    assert spoken
    assert {name for name in spoken if re.sub("_(bucket|sum|count)$", "", name) not in known} == set()


def test_the_pages_are_those_the_code_would_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert reference.main(["--check"]) == 0


def test_a_stale_page_is_noticed_and_mended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
    (tmp_path / "docs/reference/settings.md").write_text("old")
    assert reference.main(["--check"]) == 1
