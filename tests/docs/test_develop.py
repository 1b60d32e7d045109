"""The page about developing: the loop it describes, with real code that really fails."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.docs.pages import run
from triform.cli.server import Server

FAILING = "def handler(input)\n  puts \"greeting #{input['name']}\"\n  { message: input['nmae'].upcase }\nend\n"

Heard = Callable[[str], dict[str, Any]]


@contextmanager
def _developing(folder: Path, instance: Server) -> Iterator[Heard]:
    """`triform dev greet --json` in `folder`; the value waits for an event."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / ".config"), "TRIFORM_URL": instance.url}
    command = [sys.executable, "-m", "triform.cli.main", "dev", "greet", "--json"]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        events = map(json.loads, process.stdout)
        patience = threading.Timer(120, process.kill)
        patience.start()
        try:
            yield lambda name: next(event for event in events if event["event"] == name)
            process.send_signal(signal.SIGINT)
            assert next(event for event in events if event["event"] == "stopped")
            assert process.wait(30) == 0
        finally:
            patience.cancel()
            process.kill()


def test_every_save_is_deployed_and_called_as_the_page_says(instance: Server, tmp_path: Path) -> None:
    run("triform login --circle makers\ntriform new ruby greet", tmp_path, TRIFORM_URL=instance.url)
    main = tmp_path / "greet/main.rb"
    with _developing(tmp_path, instance) as heard:
        assert heard("log")["text"] == "greeting Ada"
        assert heard("completed")["output"] == {"message": "Hello, Ada!"}
        main.write_text(FAILING)
        assert heard("saved")["files"] == ["main.rb"]
        assert heard("log")["text"] == "greeting Ada"
        failed = heard("failed")
        assert failed["error"]["code"] == "RUBY_EXECUTION_FAILED"
        assert failed["error"]["exception"]["source"]["line"] == 3
        assert failed["cost_micro_au"] == 10_000
        main.write_text("def handler(input\n")
        refused = heard("refused")["error"]
        assert (refused["code"], refused["source"]["file"]) == ("RUBY_SYNTAX_ERROR", "main.rb")
        main.write_text("def handler(input) = input.keys\n")
        assert heard("completed")["output"] == ["name"]
    runs = run("triform runs greet --json", tmp_path, TRIFORM_URL=instance.url)
    versions = {
        each["element_version"] for each in json.loads(runs.stdout)["runs"] if each["operation"] == "invoke"
    }
    assert versions == {1, 2, 3}
