"""The pages that talk to an instance, tried against one."""

import contextlib
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.docs.pages import DOCS, commands, run
from triform.cli.client import DEFAULT_URL
from triform.cli.server import NOTE, Server


def _try(page: str, instance: Server, folder: Path, before: str = "") -> "subprocess.CompletedProcess[str]":
    script = before + commands(DOCS / page).replace(DEFAULT_URL, instance.url)
    return run(script, folder, TRIFORM_URL=instance.url)


@pytest.fixture
def quick(instance: Server, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    return _try("quick-start.md", instance, tmp_path)


def test_the_quick_start_leads_to_an_answer_a_run_and_its_cost(quick: "subprocess.CompletedProcess[str]") -> None:
    assert quick.returncode == 0, quick.stderr
    assert quick.stdout.count("Hello, Ada!") == 2
    assert "completed" in quick.stdout
    assert "0.01 AU" in quick.stderr


def test_every_way_to_call_works_as_the_page_says(instance: Server, tmp_path: Path) -> None:
    before = "triform login --circle callers\ntriform new ruby greet\ntriform deploy greet\n"
    called = _try("how-to/call-an-element.md", instance, tmp_path, before)
    assert called.returncode == 0, called.stderr
    assert called.stdout.count("Hello, Ada!") >= 3


def test_a_change_is_tried_on_recorded_runs_as_the_page_says(instance: Server, tmp_path: Path) -> None:
    before = "triform login --circle repeaters\ntriform new ruby greet\ntriform deploy greet\n"
    done = _try("how-to/replay-runs.md", instance, tmp_path, before)
    assert done.returncode == 0, done.stderr + done.stdout
    assert '- output/message  "Hello, Grace!"' in done.stdout
    assert '+ output/message  "HELLO, GRACE!"' in done.stdout
    assert "HELLO, IDA!" in done.stdout
    assert "HELLO, EVE!" in done.stdout
    assert "not as before" in done.stdout


def test_looking_closer_and_the_wallet_work_as_the_pages_say(instance: Server, tmp_path: Path) -> None:
    before = (
        "triform login --circle developers\ntriform new ruby greet\ntriform deploy greet\ntriform invoke greet\n"
    )
    looked = _try("how-to/develop.md", instance, tmp_path, before)
    assert looked.returncode == 0, looked.stderr
    assert looked.stdout.count("greeting World") == 3
    paid = _try("concepts/billing.md", instance, tmp_path)
    assert paid.returncode == 0, paid.stderr
    assert "-0.01 AU" in paid.stdout
    assert "balance 124.98 AU" in paid.stdout


def test_a_secret_is_kept_as_the_page_says(instance: Server, tmp_path: Path) -> None:
    done = _try("how-to/secrets.md", instance, tmp_path, "triform login --circle keepers\n")
    assert done.returncode == 0, done.stderr
    assert "sending with [secret], [secret] in base64" in done.stdout
    assert "unchanged" in done.stdout
    assert done.stdout.count("25") >= 2
    assert "token-of-the" not in done.stdout + done.stderr


def test_a_project_is_applied_pruned_and_exported_as_the_page_says(instance: Server, tmp_path: Path) -> None:
    done = _try("how-to/group-elements.md", instance, tmp_path, "triform login --circle sellers\n")
    assert done.returncode == 0, done.stderr
    assert "+ create   project shop" in done.stdout
    assert done.stdout.count("nothing to do") == 2
    assert "- delete   ruby hello" in done.stdout
    assert '{"net":400,"gross":500}' in done.stdout
    assert '{"net":400,"gross":480}' in done.stdout
    assert "circle another-shop\n  + create   variable vat-percent" in done.stdout


def test_an_agent_s_door_works_as_the_page_says(instance: Server, tmp_path: Path) -> None:
    answer = httpx2.post(f"{instance.url}/api/auth/dev", json={"circle_name": "acme"})
    before = f"triform login --circle acme\nexport TRIFORM_TOKEN={answer.json()['token']} TRIFORM_CIRCLE=acme\n"
    done = _try("how-to/use-from-an-agent.md", instance, tmp_path, before)
    assert done.returncode == 0, done.stderr
    assert '"message":"Hello, Ada!"' in done.stdout
    assert "trif_" in done.stdout


def test_git_clones_and_pushes_as_the_page_says(instance: Server, tmp_path: Path) -> None:
    answer = httpx2.post(f"{instance.url}/api/auth/dev", json={"circle_name": "gitters"})
    before = (
        f"triform login --circle gitters\nexport TRIFORM_TOKEN={answer.json()['token']} TRIFORM_CIRCLE=gitters\n"
    )
    script = before + commands(DOCS / "how-to/work-with-git.md").replace("127.0.0.1:8743", instance.url[7:])
    done = run(script, tmp_path, TRIFORM_URL=instance.url)
    assert done.returncode == 0, done.stderr
    assert "created" in done.stdout
    assert "remote: version 2" in done.stderr
    assert "Good morning, Ada!" in done.stdout


def test_code_in_files_runs_as_the_page_says(instance: Server, tmp_path: Path) -> None:
    answer = httpx2.post(f"{instance.url}/api/auth/dev", json={"circle_name": "filers"})
    before = (
        f"triform login --circle filers\nexport TRIFORM_TOKEN={answer.json()['token']} TRIFORM_CIRCLE=filers\n"
    )
    script = before + commands(DOCS / "how-to/code-in-files.md").replace("127.0.0.1:8743", instance.url[7:])
    done = run(script, tmp_path, TRIFORM_URL=instance.url)
    assert done.returncode == 0, done.stderr
    assert "there is no lib/main.rb in the repository yet" in done.stdout
    assert '"tax":50.0' in done.stdout
    assert '"tax":100.0' in done.stdout


def test_the_demo_shows_a_run_and_leaves_nothing_running(images: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    done = run("triform demo ruby --exit", tmp_path, TRIFORM_DATA_DIR=str(data_dir), TRIFORM_IMAGE_DIR=str(images))
    assert done.returncode == 0, done.stderr
    for expected in ("Hello, Ada!", "greeting Ada", "0.01 AU", "completed"):
        assert expected in done.stdout
    assert not (data_dir / NOTE).exists()
    assert [name for name in _commands() if str(data_dir) in name] == []


def _commands() -> list[str]:
    """The command line of every process."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_text(errors="replace").replace("\0", " "))
    return found
