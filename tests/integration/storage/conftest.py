"""Folders that other users can reach."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder every user may enter and write, unlike `tmp_path`."""
    folder = Path(tempfile.mkdtemp(prefix="triform-test-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
