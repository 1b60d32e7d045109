"""The API holds what its own description promises, whatever is sent: no fault, no undeclared answer."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from string import Template

import pytest
from hypothesis import settings

from tests.acceptance.client import Circle, run_id_of
from tests.architecture.house import ROOT
from tests.hunting import examples

CONFIG = Template((Path(__file__).parent / "described" / "schemathesis.toml").read_text())
VICTIMS = [f"victim-{number}" for number in range(20)]
DEADLINE_S = 3000.0

pytestmark = pytest.mark.hypothesis

Fuzz = Callable[..., str]


@pytest.fixture
async def fuzz(circle: Circle, tmp_path: Path) -> Fuzz:
    """`fuzz(token, "--phases=stateful")`: what the tool says about a circle with elements and a run."""
    await circle.top_up(10**12)
    echo = await circle.ruby(slug="echo")
    assert (await echo.post("/ops/deploy")).status_code == 200
    for slug in VICTIMS:
        await circle.ruby(slug=slug)
    there = {
        "circle": circle.name,
        "run": run_id_of(await echo.invoke()),
        "victims": str(VICTIMS)[1:-1],
        "deterministic": str(settings().derandomize).lower(),
    }

    def fuzz(token: str, *options: str) -> str:
        config = tmp_path / "schemathesis.toml"
        config.write_text(CONFIG.substitute(there, token=token))
        described = f"{circle.http.base_url}/openapi.json"
        command = [Path(sys.executable).parent / "st", "--config-file", config, "run", described, *options]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    return fuzz


async def test_every_operation_is_as_described(fuzz: Fuzz, circle: Circle) -> None:
    said = fuzz(circle.token, "--phases=coverage,fuzzing", _at_most(4))
    assert "✅ Coverage" in said
    assert "✅ Fuzzing" in said


async def test_what_one_answer_names_the_next_call_finds(fuzz: Fuzz, circle: Circle) -> None:
    assert "✅ Stateful" in fuzz(circle.token, "--phases=stateful", _at_most(12))


async def test_a_viewer_is_refused_as_described(fuzz: Fuzz, circle: Circle) -> None:
    key = (await circle.post("/ops/tokens/create", {"name": "fuzz", "role": "viewer"})).json()["token"]
    assert "✅ Fuzzing" in fuzz(key, "--phases=fuzzing", _at_most(2))


def _at_most(count: int) -> str:
    return f"--max-examples={examples(count).max_examples}"
