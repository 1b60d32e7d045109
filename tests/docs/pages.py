"""The commands a page shows, to be run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.architecture.house import ROOT

DOCS = ROOT / "docs"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, *languages: str) -> list[str]:
    """The texts of the blocks in these languages; "" is a block that names none."""
    return [text for language, text in _BLOCK.findall(page.read_text(encoding="utf-8")) if language in languages]


def commands(page: Path) -> str:
    """All ```bash blocks of a page as one script."""
    return "\n".join(blocks(page, "bash"))


def run(script: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a page's script in `folder`, with `triform` on the PATH; it stops at the first command that fails."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRIFORM_")}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**kept, "PATH": path, "XDG_CONFIG_HOME": str(folder / ".config"), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
