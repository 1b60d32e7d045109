from pathlib import Path

import pytest

from tests.unit.isolation.scripted import ScriptedDriver
from triform.substrates.isolation.interfaces import Limits, TemplateSpec
from triform.testing.listener import RecordingListener


@pytest.fixture
def driver() -> ScriptedDriver:
    return ScriptedDriver()


@pytest.fixture
def listener() -> RecordingListener:
    return RecordingListener()


@pytest.fixture
def spec() -> TemplateSpec:
    return make_spec()


def make_spec(owner: str = "one") -> TemplateSpec:
    return TemplateSpec(
        language="toy",
        image=Path("/image"),
        code=Path("/code"),
        entry="main.toy",
        handler="handler",
        limits=Limits(memory_mb=64),
        load_timeout_ms=1000,
        owner=owner,
    )
