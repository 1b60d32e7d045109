"""A problem document (RFC 9457) as people read it: what, where, why, and how to get past it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from triform.cli.terminal import harmless

if TYPE_CHECKING:
    from rich.text import Text

    from triform.cli.local_code import LocalCode

Line = tuple[str, str]
"""Text and its style."""


def drawn(problem: Mapping[str, Any], code: "LocalCode | None" = None) -> "Text":
    """The whole problem, ready to print; places in `code` are named so that they can be opened."""
    from rich.text import Text

    text = Text()
    for line, style in lines(problem, code):
        text.append(harmless(line) + "\n", style)
    text.rstrip()
    return text


def lines(problem: Mapping[str, Any], code: "LocalCode | None" = None) -> Iterator[Line]:
    """Headline, detail, complaints by pointer, the user's frames, then why and `FIX:`."""
    title, *more = _said(problem)
    yield _headline(problem, title), "bold red"
    yield from (("  " + line, "") for text in more for line in text.splitlines())
    for complaint in _mappings(problem.get("errors")):
        if not any(str(complaint.get("message")) in text for text in more):
            yield f"  {_place(complaint)}: {complaint.get('message')}", ""
    yield from _placed(problem.get("source"), code)
    yield from _exception(problem.get("exception"), code, already=more)
    yield from _suggestion(problem.get("_suggestion"))
    yield from _traces(problem)


def _said(problem: Mapping[str, Any]) -> list[str]:
    """Title and detail of a problem, or the message of a stored error; nothing twice."""
    texts = [str(problem[key]) for key in ("title", "detail", "message") if problem.get(key)]
    return list(dict.fromkeys(texts)) or ["refused"]


def _headline(problem: Mapping[str, Any], title: str) -> str:
    code = str(problem.get("code") or problem.get("status") or "")
    again = ", may be tried again" if problem.get("retryable") else ""
    return f"{code}: {title}{again}" if code else title + again


def _place(complaint: Mapping[str, Any]) -> str:
    if "line" in complaint:
        return f"line {complaint['line']}, column {complaint.get('column', 1)}"
    return str(complaint.get("pointer") or "input")


# --- exceptions of user code ---------------------------------------------------------------------------------


def _exception(
    exception: Any, code: "LocalCode | None", prefix: str = "", already: Sequence[str] = ()
) -> Iterator[Line]:
    """`already`: what has been said; the headline is not said again."""
    if not isinstance(exception, Mapping):
        return
    headline = f"{exception.get('class')}: {exception.get('message')}"
    if not any(headline in text for text in already):
        yield f"  {prefix}{headline}", ""
    names = code.names(exception.get("source")) if code else {}
    yield from ((f"    {_renamed(str(place), names)}", "cyan") for place in exception.get("backtrace") or ())
    yield from _source(exception.get("source"))
    yield from _exception(exception.get("cause"), code, "caused by ")


def _placed(source: Any, code: "LocalCode | None") -> Iterator[Line]:
    """Code that was refused before it ran: it has a place, and no backtrace to name it."""
    if isinstance(source, Mapping):
        names = code.names(source) if code else {}
        place = f"{source.get('file')}:{source.get('line')}"
        yield f"    {_renamed(place, names)}", "cyan"
        yield from _source(source)


def _renamed(place: str, names: Mapping[str, str]) -> str:
    """`main.rb:3:in handler` with the file's name as it is known here."""
    file, colon, rest = place.partition(":")
    return names.get(file, file) + colon + rest


def _source(source: Any) -> Iterator[Line]:
    """The line that failed with its neighbours; the line itself is marked."""
    if not isinstance(source, Mapping):
        return
    for row in _mappings(source.get("context")):
        here = row.get("line") == source.get("line")
        text = f"    {'→' if here else ' '} {row.get('line'):>4} │ {row.get('text', '')}"
        yield text.rstrip(), "bold" if here else "dim"


# --- what to do ----------------------------------------------------------------------------------------------


def _suggestion(suggestion: Any) -> Iterator[Line]:
    if not isinstance(suggestion, Mapping):
        return
    if suggestion.get("why"):
        yield f"WHY: {suggestion['why']}", "dim"
    if suggestion.get("fix"):
        yield f"FIX: {suggestion['fix']}", "green"
    if suggestion.get("patch"):
        yield f"PATCH (on the spec): {_compact(suggestion['patch'])}", "green"
    if suggestion.get("example") is not None:
        yield from _example(suggestion["example"])


def _example(example: Any) -> Iterator[Line]:
    yield "EXAMPLE:", "dim"
    text = example if isinstance(example, str) else _compact(example)
    yield from (("    " + line, "dim") for line in text.rstrip("\n").splitlines())


def _traces(problem: Mapping[str, Any]) -> Iterator[Line]:
    named = [(label, problem.get(key)) for label, key in (("run", "run_id"), ("trace", "trace_id"))]
    known = "  ".join(f"{label} {value}" for label, value in named if value)
    if known:
        yield known, "dim"


def _mappings(value: Any) -> Sequence[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
