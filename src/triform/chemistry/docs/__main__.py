"""`python -m triform.chemistry.docs [--check] [folder]`: write the reference, or say what is stale."""

import argparse
import sys
from pathlib import Path

from triform.chemistry.catalogue import load
from triform.chemistry.docs import pages, stale_pages

DEFAULT = Path("docs/reference")


def main(arguments: list[str]) -> int:
    """0 = up to date or written, 1 = stale pages found by --check."""
    parser = argparse.ArgumentParser(prog="python -m triform.chemistry.docs", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is stale")
    options = parser.parse_args(arguments)
    stale = stale_pages(options.folder, pages(load()))
    for path, text in stale.items():
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{'stale' if options.check else 'written'}: {path}\n")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
