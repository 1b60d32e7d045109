"""The examples of element types, played as a reader would: created, called, and compared."""

from pathlib import Path

import anyio
import yaml

from tests.acceptance.client import Circle


def examples(definitions: Path) -> list[Path]:
    """Every example below a folder of definitions."""
    return sorted(definitions.glob("*/*/examples/*.yaml"))


async def play(circle: Circle, path: Path) -> None:
    """Creates the example's element and makes its calls, in order."""
    example = yaml.safe_load(await anyio.Path(path).read_text())
    slug, element_type = f"example-{path.stem}", path.parent.parent.name
    created = await circle.post("/", {"element_type": element_type, "slug": slug, "spec": example["spec"]})
    assert created.status_code == 201, created.text
    assert created.json()["warnings"] == []
    for call in example["calls"]:
        answer = await circle.post(f"/{slug}/ops/{call['operation']}", call["input"])
        if "error" in call:
            assert answer.json()["code"] == call["error"], answer.text
            continue
        assert answer.status_code == 200, answer.text
        assert answer.json() == call["output"]
