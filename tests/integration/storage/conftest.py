"""Folders that other users can reach, and folders of a database."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.copies import copy_of


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder every user may enter and write, unlike `tmp_path`."""
    folder = Path(tempfile.mkdtemp(prefix="triform-test-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home(tmp_path: Path, new_database: Path) -> Path:
    """The folder of an embedded database that has run before; for tests that are not about its creation."""
    return copy_of(new_database, tmp_path / "pg")
