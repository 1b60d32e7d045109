"""Definitions written by the test itself, and the shipped catalogue."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import settings

from tests.shipped import CATALOGUE
from triform.chemistry.catalogue import Catalogue, load
from triform.chemistry.complaints import DefinitionsRefused

settings.register_profile("chemistry", deadline=None)  # a slow machine is no mistake
settings.load_profile("chemistry")

Files = Mapping[str, str]

TOY: Files = {
    "toys/definition.yaml": """
        category: toys
        form: atom
        substrate: isolation
        """,
    "toys/ops.yaml": """
        ops:
          play:
            verb: POST
            path: play
            level: execute
            summary: Play with it.
            description: Plays once.
            input:
              type: object
              additionalProperties: false
              properties:
                times: {type: integer, minimum: 1, default: 1, description: How often.}
            output: {}
        """,
    "toys/pricing.yaml": """
        pricing:
          play:
            - {dimension: per_invocation, amount_micro_au: 5}
            - {dimension: per_second, amount_micro_au: 2}
        """,
    "toys/top/definition.yaml": """
        type: top
        symbol: To
        colour: '#00AA00'
        title: Top
        one_line: Spins.
        """,
    "toys/top/properties.yaml": """
        properties:
          speed: {type: integer, minimum: 1, default: 3, description: Turns per second.}
          label: {type: string, description: What is written on it.}
        """,
    "toys/top/docs.yaml": """
        guide: Spin it.
        """,
    "toys/top/examples/spin.yaml": """
        title: Spin
        description: Spins three times a second.
        spec: {speed: 3, label: xylophone}
        calls:
          - operation: play
            input: {times: 2}
            output: 6
        """,
}


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return CATALOGUE


@pytest.fixture
def toys(tmp_path: Path) -> Callable[..., Path]:
    """Writes the toy type; keyword-free arguments replace or add files, None leaves one out."""

    def write(changes: Mapping[str, str | None] | None = None) -> Path:
        for name, text in {**TOY, **(changes or {})}.items():
            if text is not None:
                file = tmp_path / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(dedent(text).lstrip("\n"))
        return tmp_path

    return write


@pytest.fixture
def complaints(toys: Callable[..., Path]) -> Callable[..., list[str]]:
    """What loading says about the toy type with these changes, paths relative to its folder."""

    def complain(changes: Mapping[str, str | None], **options: object) -> list[str]:
        folder = toys(changes)
        try:
            load([folder], **options)  # type: ignore[arg-type]
        except DefinitionsRefused as refused:
            return [str(complaint).replace(f"{folder}/", "") for complaint in refused.complaints]
        return []

    return complain
