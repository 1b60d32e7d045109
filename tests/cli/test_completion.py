"""Shell completion: what the shells' own scripts ask for, and what is proposed."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Triform
from tests.cli.double import Platform, Told
from tests.cli.test_command import COMMAND
from tests.shipped import CATALOGUE

TYPES = sorted(kind.name for kind in CATALOGUE.types.values() if not kind.tenant)

Asked = Callable[..., list[str]]


@pytest.fixture
def asked(triform: Triform, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What a shell is told for a line that ends in the last word; `words` as bash asks, else its own variables."""

    def ask(*words: str, **environment: str) -> list[str]:
        of_bash = {"COMP_WORDS": " ".join(["triform", *words]), "COMP_CWORD": str(len(words))}
        for name, value in {"_TRIFORM_COMPLETE": "complete_bash", **of_bash, **environment}.items():
            monkeypatch.setenv(name, value)
        ended = triform()
        assert (ended.code, ended.err) == (0, "")
        return [line for line in ended.out.split("\n") if line]

    return ask


@pytest.fixture
def filled(signed_in: Platform) -> Platform:
    children = [{"slug": slug} for slug in ("greet", "grow", "score")]
    signed_in.tell("GET", "/api/acme/ops/children", Told({"children": children, "total": 3}))
    return signed_in


@pytest.mark.parametrize(
    ("words", "proposed"),
    [
        (("lo",), ["login", "logs"]),
        (("demo",), []),
        (("wallet", "to"), ["top-up"]),
        (("runs", ""), ["list", "show", "cancel", "replay", "replay-many"]),
        (("invoke", "x", "--as"), ["--async"]),
        (("new", ""), TYPES),
        (("chemistry", "show", TYPES[0][:1]), [name for name in TYPES if name.startswith(TYPES[0][0])]),
    ],
)
def test_verbs_options_and_types_are_proposed(asked: Asked, words: tuple[str, ...], proposed: list[str]) -> None:
    assert asked(*words) == proposed


@pytest.mark.parametrize("verb", ["invoke", "logs"])
def test_elements_of_the_circle_are_proposed(asked: Asked, filled: Platform, verb: str) -> None:
    assert asked(verb, "gr") == ["greet", "grow"]


def test_without_a_session_or_a_server_nothing_is_proposed_and_nothing_said(
    asked: Asked, filled: Platform
) -> None:
    filled.stop()
    assert asked("invoke", "gr") == []
    assert asked("invoke", "gr", XDG_CONFIG_HOME="/nowhere") == []


def test_zsh_and_fish_are_answered_as_they_ask(asked: Asked) -> None:
    zsh = asked(_TRIFORM_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="triform lo")
    assert '"login":"Sign in' in zsh[0]
    fish = {"_TYPER_COMPLETE_FISH_ACTION": "get-args", "_TYPER_COMPLETE_ARGS": "triform lo"}
    proposed = asked(_TRIFORM_COMPLETE="complete_fish", **fish)
    assert [line.split("\t")[0] for line in proposed] == ["login", "logs"]


def test_bash_itself_proposes_with_the_script_it_is_given(filled: Platform, tmp_path: Path) -> None:
    (tmp_path / "triform").write_text(f'#!/bin/sh\nexec {" ".join(COMMAND)} "$@"\n')
    (tmp_path / "triform").chmod(0o755)
    line = 'COMP_WORDS=(triform invoke gr); COMP_CWORD=2; _triform_completion triform; echo "${COMPREPLY[@]}"'
    # A new bash is what the library finds the shell by.
    script = f'script=$(triform --show-completion; :); eval "$script"; {line}'
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "greet grow\n"
