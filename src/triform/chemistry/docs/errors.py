"""The page of all error codes."""

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.docs.markdown import as_json, block, code, section, table
from triform.chemistry.model import DeclaredError

INTRODUCTION = """# Errors

Every error is a problem document (`application/problem+json`, RFC 9457) with `code`, `class`, `retryable` and a
`_suggestion` that says why it happened and what to do. A type may declare further codes of its own.

"""


def errors_page(catalogue: Catalogue) -> str:
    """An overview, then a section per code."""
    errors = catalogue.errors.values()
    rows = [(f"[{code(e.code)}](#{_anchor(e)})", e.kind, "yes" if e.retryable else "no", e.title) for e in errors]
    overview = table(("code", "class", "retryable", "title"), rows)
    return INTRODUCTION + overview + "".join(_section(error) for error in errors)


def _anchor(error: DeclaredError) -> str:
    return error.code.lower()


def _section(error: DeclaredError) -> str:
    suggestion = error.suggestion
    helping = f"\n\n**Helps:** {code(suggestion.op)}" if suggestion.op else ""
    example = "\n\n" + _example(suggestion.example) if suggestion.example else ""
    body = (
        f"{error.description}\n\n**Why:** {suggestion.why}\n\n**What to do:** {suggestion.fix}{helping}{example}"
    )
    return section(error.code, body)


def _example(example: object) -> str:
    return block("", example) if isinstance(example, str) else block("json", as_json(example))
