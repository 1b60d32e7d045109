"""`bin/setup` on machines that lack something: a sentence, a FIX, and nothing half done."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.house import ROOT

TOOLS = "bash cat dirname echo env flock grep mkdir mv readlink rm sed sha256sum tail xargs"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with just what setup reads, and a PATH with just the tools it needs."""
    root = tmp_path / "checkout"
    (root / "bin").mkdir(parents=True)
    for name in ("uv.lock", "pyproject.toml", "bin/setup"):
        shutil.copy(ROOT / name, root / name)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS.split():
        (tools / name).symlink_to(shutil.which(name) or pytest.fail(f"no {name} here"))
    _stub(root, "id", "echo 1000")
    _stub(root, "git")
    _stub(root, "mmdebstrap")
    _stub(root, "newuidmap")
    _stub(root, "bwrap")
    _stub(root, "python3")
    return root


def _stub(root: Path, name: str, body: str = "exit 0") -> None:
    stub = root.parent / "tools" / name
    stub.unlink(missing_ok=True)
    stub.write_text(f"#!/bin/sh\n{body}\n")
    stub.chmod(0o755)


def _setup(root: Path) -> "subprocess.CompletedProcess[str]":
    tools = str(root.parent / "tools")
    return subprocess.run(
        [str(root / "bin/setup")],
        env={"PATH": tools, "HOME": str(root.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_package_without_root_names_it_and_the_command(checkout: Path) -> None:
    (checkout.parent / "tools/git").unlink()
    _stub(checkout, "apt-get")
    done = _setup(checkout)
    assert done.returncode == 1
    assert "missing system packages, and no way to become root here: git" in done.stderr
    assert "FIX: as root: apt-get update && apt-get install -y --no-install-recommends git" in done.stderr


def test_another_distribution_is_told_what_to_look_for(checkout: Path) -> None:
    (checkout.parent / "tools/git").unlink()
    assert "FIX: install the equivalents of these Debian packages: git" in _setup(checkout).stderr


def test_what_only_images_need_does_not_stop_the_rest(checkout: Path) -> None:
    (checkout.parent / "tools/mmdebstrap").unlink()
    _stub(checkout, "python3", 'case "$2" in *version_info*) exit 1;; esac; exit 0')
    done = _setup(checkout)
    assert "cannot build runtime images without: mmdebstrap" in done.stderr
    assert "no Python 3.11 or newer here" in done.stderr


def test_what_only_git_needs_does_not_stop_the_rest_either(checkout: Path) -> None:
    (checkout.parent / "tools/bwrap").unlink()
    _stub(checkout, "python3", 'case "$2" in *version_info*) exit 1;; esac; exit 0')
    done = _setup(checkout)
    assert "cannot serve git (clone, push, bundles) without: bubblewrap" in done.stderr
    assert "runtime images" not in done.stderr


def test_a_python_that_is_too_old_says_which_to_install(checkout: Path) -> None:
    _stub(checkout, "python3", 'case "$2" in *version_info*) exit 1;; esac; exit 0')
    done = _setup(checkout)
    assert done.returncode == 1
    assert "FIX: install one, e.g. on Ubuntu 22.04: apt-get install python3.11 python3.11-venv" in done.stderr
    assert not (checkout / ".venv").exists()


def _stamp(root: Path) -> None:
    """The state a finished setup leaves behind."""
    text = (root / "bin/setup").read_text().partition("\nif up_to_date;")[0]
    text = text.replace("${BASH_SOURCE[0]}", str(root / "bin/setup"))
    digest = subprocess.run(
        ["bash", "-c", text + "\ndigest"],
        env={"PATH": str(root.parent / "tools")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (root / ".venv/bin").mkdir(parents=True)
    shutil.copy("/bin/true", root / ".venv/bin/triform")
    (root / ".triform/setup").mkdir(parents=True)
    (root / ".triform/setup/stamp").write_text(digest)


def test_when_nothing_changed_there_is_nothing_to_do_or_say(checkout: Path) -> None:
    _stamp(checkout)
    (checkout.parent / "tools/git").unlink()  # would be missed if anything were looked at
    done = _setup(checkout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml"])
def test_a_changed_lock_or_project_is_set_up_again(checkout: Path, name: str) -> None:
    _stamp(checkout)
    (checkout / name).write_text("changed")
    (checkout.parent / "tools/git").unlink()
    assert _setup(checkout).returncode == 1


def test_no_file_of_the_house_names_a_package_registry() -> None:
    for path in (*(ROOT / "bin").iterdir(), ROOT / ".ci/run", ROOT / "pyproject.toml"):
        text = path.read_text()
        assert [host for host in ("pypi.org", "pythonhosted", "rubygems.org", "debian.org") if host in text] == []


def test_every_command_can_be_executed() -> None:
    assert [path.name for path in (ROOT / "bin").iterdir() if not os.access(path, os.X_OK)] == []
