"""A real instance for the pages that talk to one."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.house import ROOT
from triform.cli.server import Server, start
from triform.cli.terminal import Terminal
from triform.substrates.isolation.images import Images
from triform.substrates.isolation.languages import read_languages

IMAGES = ROOT / ".triform" / "images"
"""Built once per checkout, shared by all tests."""


@pytest.fixture(scope="session")
def images() -> Path:
    store = Images(IMAGES)
    for language in read_languages().values():
        asyncio.run(store.build(language))
    return IMAGES


@pytest.fixture(scope="session")
def instance(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`triform up` in a process of its own, ready."""
    data_dir = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIFORM_DATA_DIR", str(data_dir))
        patch.setenv("TRIFORM_IMAGE_DIR", str(images))
        patch.setenv("TRIFORM_PORT", "0")
        server = start(Terminal(json=True))
    try:
        yield server
    finally:
        server.stop()
    assert server.process is not None
    assert server.process.returncode == 0
