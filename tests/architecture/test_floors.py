"""The floors of the house: each import contract notices when it is broken."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.house import PACKAGE, ROOT

LINT = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()"]

BREACHES = {
    "Floors": ("runs/breach.py", "import triform.api"),
    "Chemistry is pure": ("chemistry/breach.py", "import triform.settings"),
    "The executor knows no substrate": ("executor/breach.py", "import triform.substrates.isolation"),
    "Substrates do not know each other": ("substrates/platform.py", "import triform.substrates.isolation"),
    "Drivers do not know each other": (
        "substrates/isolation/drivers/breach.py",
        "import triform.substrates.isolation.drivers.other",
    ),
    "Nouns and substrates know no door": ("runs/door.py", "import starlette"),
}
"""Contract → a module that breaks it."""


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the linter says of a copy of the package with all the breaches in it."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copytree(PACKAGE, copy / "triform", ignore=shutil.ignore_patterns("__pycache__", "*.sql", "*.md"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    (copy / "triform/substrates/isolation/drivers/other.py").write_text("")
    for path, text in BREACHES.values():
        (copy / "triform" / path).write_text(text + "\n")
    return _verdicts(copy)


def _verdicts(folder: Path) -> dict[str, str]:
    """Contract → KEPT or BROKEN."""
    done = subprocess.run(
        [*LINT, "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.rsplit(None, 1) for line in done.stdout.splitlines()]
    found = {line[0].strip(): line[1] for line in lines if len(line) == 2 and line[1] in ("KEPT", "BROKEN")}
    assert found, done.stdout + done.stderr
    return found


def test_the_house_keeps_its_floors() -> None:
    assert set(_verdicts(ROOT).values()) == {"KEPT"}


@pytest.mark.parametrize("contract", BREACHES)
def test_a_breach_of_the_contract_is_noticed(verdicts: dict[str, str], contract: str) -> None:
    assert verdicts[contract] == "BROKEN"


def test_every_contract_has_a_breach_that_proves_it(verdicts: dict[str, str]) -> None:
    assert set(verdicts) == set(BREACHES)
