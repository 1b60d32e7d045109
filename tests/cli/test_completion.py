"""Shell completion: what the shells' own scripts ask for, and what is proposed."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.double import Platform, Told
from tests.cli.test_command import COMMAND
from triform.chemistry.catalogue import load

TYPES = sorted(kind.name for kind in load().types.values() if not kind.tenant)


def _asked(*words: str, **more: Any) -> list[str]:
    """What bash is told for a line that ends in the last of `words`."""
    environment = {
        "_TRIFORM_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["triform", *words]),
        "COMP_CWORD": str(len(words)),
        **more,
    }
    return _told(environment)


def _told(environment: dict[str, str]) -> list[str]:
    done = subprocess.run(
        COMMAND, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
    return done.stdout.split("\n")


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
        (("runs", ""), ["list", "show", "cancel"]),
        (("invoke", "x", "--as"), ["--async"]),
        (("new", ""), TYPES),
        (("chemistry", "show", TYPES[0][:1]), [name for name in TYPES if name.startswith(TYPES[0][0])]),
    ],
)
def test_verbs_options_and_types_are_proposed(words: tuple[str, ...], proposed: list[str]) -> None:
    assert [word for word in _asked(*words) if word] == proposed


@pytest.mark.parametrize("verb", ["invoke", "logs"])
def test_elements_of_the_circle_are_proposed(filled: Platform, verb: str) -> None:
    assert [word for word in _asked(verb, "gr") if word] == ["greet", "grow"]


def test_without_a_session_or_a_server_nothing_is_proposed_and_nothing_said(filled: Platform) -> None:
    filled.stop()
    assert not any(_asked("invoke", "gr"))
    assert not any(_asked("invoke", "gr", XDG_CONFIG_HOME="/nowhere"))


def _script(shell: str) -> str:
    """What the library installs for a shell; it asks which one unless it is told."""
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [*COMMAND, "--show-completion", shell]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_bash_itself_proposes_with_the_script(filled: Platform, tmp_path: Path) -> None:
    (tmp_path / "triform").write_text(f'#!/bin/sh\nexec {" ".join(COMMAND)} "$@"\n')
    (tmp_path / "triform").chmod(0o755)
    words = 'COMP_WORDS=(triform invoke gr); COMP_CWORD=2; _triform_completion triform; echo "${COMPREPLY[@]}"'
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", f"{_script('bash')}\n{words}"], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "greet grow\n"


def test_zsh_and_fish_have_scripts_and_are_answered() -> None:
    assert "#compdef triform" in _script("zsh")
    assert "--command triform" in _script("fish")
    zsh = _told({"_TRIFORM_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "triform lo"})
    assert '"login":"Sign in' in "".join(zsh)
    fish = {"_TYPER_COMPLETE_FISH_ACTION": "get-args", "_TYPER_COMPLETE_ARGS": "triform lo"}
    assert [line.split("\t")[0] for line in _told({"_TRIFORM_COMPLETE": "complete_fish", **fish}) if line] == [
        "login",
        "logs",
    ]
