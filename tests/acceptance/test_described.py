"""The API holds what its own description promises, whatever is sent: no fault, no undeclared answer."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

import pytest
from hypothesis import settings

from tests.acceptance.client import Circle, run_id_of
from tests.architecture.house import ROOT
from tests.hunting import examples

CONFIG = Template((Path(__file__).parent / "described" / "schemathesis.toml").read_text())
VICTIMS = [f"victim-{number}" for number in range(20)]
VERBS = {"get", "post", "put", "patch", "delete"}
DEADLINE_S = 3000.0
MOSTLY = {
    "circle": '{ dictionary = "circles", probability = 0.95 }',
    "slug": '{ dictionary = "slugs", probability = 0.9 }',
    "run": '{ dictionary = "runs", probability = 0.8 }',
    "victim": '{ dictionary = "victims", probability = 0.9 }',
}

pytestmark = pytest.mark.hypothesis

Fuzz = Callable[..., str]


@pytest.fixture
async def fuzz(circle: Circle, tmp_path: Path) -> Fuzz:
    """`fuzz(token, "--phases=stateful")`: what the tool says about a circle with elements and a run.

    With `there=True` every request asks for what is there, not only nearly all.
    """
    await circle.top_up(10**12)
    echo = await circle.ruby(slug="echo")
    assert (await echo.post("/ops/deploy")).status_code == 200
    for slug in VICTIMS:
        await circle.ruby(slug=slug)
    run = run_id_of(await echo.invoke())
    names = {
        "circle": circle.name,
        "run": run,
        "victims": str(VICTIMS)[1:-1],
        "deterministic": str(settings().derandomize).lower(),
    }
    always = {"circle": circle.name, "slug": "echo", "run": run, "victim": VICTIMS[0]}

    def fuzz(token: str, *options: str, there: bool = False) -> str:
        config = tmp_path / "schemathesis.toml"
        paths = {f"path_{name}": json.dumps(value) if there else MOSTLY[name] for name, value in always.items()}
        config.write_text(CONFIG.substitute(names, token=token, **paths))
        described = f"{circle.http.base_url}/openapi.json"
        command = [Path(sys.executable).parent / "st", "--config-file", config, "run", described, *options]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    return fuzz


async def test_every_operation_is_as_described(fuzz: Fuzz, circle: Circle) -> None:
    assert "✅ Fuzzing" in fuzz(circle.token, "--phases=fuzzing", _at_most(4))


async def test_every_bound_of_an_operation_is_as_described(fuzz: Fuzz, circle: Circle) -> None:
    paths = (await circle.http.get("/openapi.json")).json()["paths"]
    left_out = [f"--exclude-operation-id={name}" for name in _said_elsewhere(paths)]
    assert "✅ Coverage" in fuzz(circle.token, "--phases=coverage", *left_out, there=True)


async def test_what_one_answer_names_the_next_call_finds(fuzz: Fuzz, circle: Circle) -> None:
    assert "✅ Stateful" in fuzz(circle.token, "--phases=stateful", _at_most(12))


async def test_a_viewer_is_refused_as_described(fuzz: Fuzz, circle: Circle) -> None:
    key = (await circle.post("/ops/tokens/create", {"name": "fuzz", "role": "viewer"})).json()["token"]
    assert "✅ Fuzzing" in fuzz(key, "--phases=fuzzing", _at_most(2))


def _said_elsewhere(paths: Mapping[str, Any]) -> Iterator[str]:
    """Operations that have the code and the schemas of another: those at bare addresses, POST where there is
    another verb, and what a circle can do because every element can."""
    for path, described in paths.items():
        names = {verb: described[verb]["operationId"] for verb in described.keys() & VERBS}
        of_element = path.replace("{circle}/", "{circle}/{slug}/", 1) in paths
        if "{circle}" in path and ("/ops/" not in path or of_element):
            yield from names.values()
        elif "/ops/" in path and len(names) > 1:
            yield names["post"]


def _at_most(count: int) -> str:
    return f"--max-examples={examples(count).max_examples}"
