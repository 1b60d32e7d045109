"""The commands a page shows, to be run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.architecture.house import ROOT

DOCS = ROOT / "docs"
_BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(page: Path) -> str:
    """All ```bash blocks of a page as one script."""
    return "\n".join(_BLOCK.findall(page.read_text(encoding="utf-8")))


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
