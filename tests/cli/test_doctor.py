"""`triform doctor` names what is missing, and how to mend it."""

import json
import socket
from pathlib import Path

import pytest

from tests.cli.conftest import Triform
from triform.cli import checkup
from triform.cli.checkup import CHECKS
from triform.cli.finding import Finding
from triform.settings import Settings


def test_each_check_says_one_thing_and_a_fix_when_it_is_not_well(tmp_path: Path) -> None:
    findings = [check(Settings(data_dir=tmp_path)) for check in CHECKS]
    assert len({finding.name for finding in findings}) == len(CHECKS)
    assert [finding for finding in findings if finding.verdict != "ok" and not finding.fix] == []


def test_a_failure_is_printed_with_its_fix_and_ends_with_1(
    triform: Triform, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Finding("mill", "fail", "not turning", "open the sluice")
    monkeypatch.setattr(checkup, "CHECKS", (lambda _: missing,))
    ended = triform("doctor")
    assert ended.code == 1
    assert ended.out == "fail mill: not turning\n     FIX: open the sluice\n"


def test_a_warning_does_not_fail(triform: Triform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "CHECKS", (lambda _: Finding("mill", "warn", "slow", "oil it"),))
    ended = triform("doctor", "--json")
    assert ended.code == 0
    (found,) = json.loads(ended.out)["checks"]
    assert (found["verdict"], found["fix"]) == ("warn", "oil it")


def test_a_port_in_use_by_something_else_is_a_warning() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        finding = checkup.port(Settings(port=taken.getsockname()[1]))
    assert (finding.verdict, finding.fix) == ("warn", "choose another with --port or TRIFORM_PORT")


def test_a_full_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "LEAST_DISK_MB", 1 << 50)
    assert checkup.disk(Settings(data_dir=tmp_path)).verdict == "fail"


def test_missing_git_fails_with_the_package_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert checkup.git(Settings()).fix == "apt-get install git bubblewrap util-linux"
