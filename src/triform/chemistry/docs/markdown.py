"""Markdown, piece by piece."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

Row = Sequence[str]


def table(header: Row, rows: Iterable[Row]) -> str:
    """A table; nothing when there are no rows."""
    lines = [_line(row) for row in rows]
    return "\n".join([_line(header), _line(["---"] * len(header)), *lines]) + "\n\n" if lines else ""


def section(title: str, body: str, depth: int = 2) -> str:
    """A heading and its text; nothing when the text is empty."""
    return f"{'#' * depth} {title}\n\n{body.strip()}\n\n" if body.strip() else ""


def bullets(items: Iterable[str]) -> str:
    return "".join(f"- {item}\n" for item in items)


def code(text: object) -> str:
    """Inline code, safe in a table."""
    return f"`{text}`"


def block(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```\n\n"


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def deepened(markdown: str, by: int) -> str:
    """A text whose headings are moved down, those in code blocks excepted."""
    fenced = False
    lines = []
    for line in markdown.splitlines():
        fenced ^= line.startswith("```")
        lines.append("#" * by + line if line.startswith("#") and not fenced else line)
    return "\n".join(lines)


def _line(row: Row) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ").strip() for cell in row) + " |"
