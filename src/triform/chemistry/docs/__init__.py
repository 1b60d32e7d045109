"""The reference, written from the catalogue: Markdown pages by their path below `docs/reference`."""

from pathlib import Path

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.docs.errors import errors_page
from triform.chemistry.docs.operations import operations_page
from triform.chemistry.docs.types import type_page

NOTICE = "<!-- Written by `python -m triform.chemistry.docs`; change the definitions instead. -->\n\n"


def pages(catalogue: Catalogue) -> dict[str, str]:
    """Every page; the same catalogue gives the same text."""
    written = {f"types/{name}.md": type_page(element_type) for name, element_type in catalogue.types.items()}
    written["operations.md"] = operations_page(catalogue)
    written["errors.md"] = errors_page(catalogue)
    return {path: NOTICE + text.rstrip() + "\n" for path, text in sorted(written.items())}


def stale_pages(folder: Path, wanted: dict[str, str]) -> dict[Path, str]:
    """The pages whose file is missing or says something else."""
    files = {folder / name: text for name, text in wanted.items()}
    return {
        path: text
        for path, text in files.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }
