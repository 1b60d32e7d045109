"""The forms in which programs write a value down: as it is, percent-encoded, escaped, in base64.

Each form is a `Needle`, what a text is searched for. Base64 has three alignments, by how many bytes come
before the value in what was encoded; only characters that the value alone decides are searched for:

    value      |--------|--------|--------|--------|
    alignment 1  |......|......|......|......|......|......     the first and the last share bits with neighbours
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

HEAD = 64
"""Bytes by which a long needle is recognised."""
SHORTEST_BYTES = 8
"""What is shorter would be found by chance; values and lines below it are no needles."""
MOST_LINES = 200
"""Of one value that count as needles of their own."""

_SAFE = ("", "/", "*", "!*'()", ";,/?:@&=+$!*'()#")
"""What encoders leave as it is beside letters, digits and `-._~`: RFC 3986, paths, forms, encodeURIComponent,
encodeURI."""
_ENCODED = re.compile("%[0-9A-F]{2}")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_URL_SAFE = str.maketrans("+/", "-_")
_SHIFT, _SHORTEST_BASE64 = 4, 6
_SHORT = {"\n": "n", "\t": "t", "\r": "r", "\b": "b", "\f": "f", "\x1b": "e", "\x07": "a", "\x0b": "v"}


@dataclass(frozen=True, slots=True)
class Needle:
    """`wraps`: line breaks may lie in it, from its fifth character on. `edge`: what its last bits may look like
    together with what follows, then padding; swallowed with it."""

    text: bytes = field(repr=False)
    wraps: bool = False
    edge: bytes = field(default=b"", repr=False)


def needles_of(value: str) -> dict[bytes, Needle]:
    """All forms of a value, by text. Lines of a value of several count by themselves, as they are."""
    core = value.strip() if len(value.strip().encode()) >= SHORTEST_BYTES else value
    lines = [line.strip() for line in core.splitlines()[: MOST_LINES + 1]] if len(core.splitlines()) > 1 else []
    texts = {core, *_percent(core), *_escaped(core)}
    for line in lines:
        if len(line.encode()) >= SHORTEST_BYTES:
            texts |= {line, *_escaped(line)}
    found = {text.encode(): Needle(text.encode()) for text in texts}
    found |= {needle.text: needle for needle in _base64(core.encode())}
    return found | {later.text: later for needle in found.values() for later in _behind_repetition(needle)}


def _behind_repetition(needle: Needle) -> Iterator[Needle]:
    """Where something short is repeated at its beginning, every place in a longer repetition looks like it.

    So it is also looked for by where the repetition ends.
    """
    text = needle.text
    period = text[:HEAD].find(text[: HEAD // 2], 1)
    if period < 0 or len(text) <= HEAD:
        return
    end = next((at for at in range(HEAD, len(text)) if text[at] != text[at - period]), len(text))
    for shift in (0, _SHIFT) if needle.wraps else (0,):
        if end < len(text) and len(text) > end + 1 + shift:
            yield Needle(text[end + 1 - HEAD + shift :], needle.wraps, needle.edge)


def _percent(value: str) -> Iterator[str]:
    for safe in _SAFE:
        upper = quote(value, safe=safe)
        for text in (upper, upper.replace("~", "%7E")):
            for form in (text, text.replace("%20", "+")):
                yield form
                yield _ENCODED.sub(lambda found: found[0].lower(), form)


def _escaped(value: str) -> Iterator[str]:
    """As JSON and as source text of a string would have it, once and twice."""
    for ascii_only in (False, True):
        text = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield from (text, _upper(text), text.replace("/", "\\/"))
        yield "".join(_html_safe(character) for character in text)
        yield json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield "".join(_inspected(value, ascii_only))
    yield value.replace("\\", "\\\\").replace("'", "\\'")


def _upper(text: str) -> str:
    return re.sub(r"(?<=\\u)[0-9a-f]{4}", lambda found: found[0].upper(), text)


def _html_safe(character: str) -> str:
    return f"\\u{ord(character):04x}" if character in "<>&'\u2028\u2029" else character


def _inspected(value: str, ascii_only: bool) -> Iterator[str]:
    """Ruby's `inspect`, without the quotes around."""
    for at, character in enumerate(value):
        code = ord(character)
        if character in '"\\' or (character == "#" and value[at + 1 : at + 2] in ("{", "$", "@")):
            yield f"\\{character}"
        elif character in _SHORT:
            yield f"\\{_SHORT[character]}"
        elif code == 0x7F:
            yield "\\x7F"
        elif code < 0x20 or (ascii_only and code > 0x7F):
            yield f"\\u{code:04X}" if code <= 0xFFFF else f"\\u{{{code:X}}}"
        else:
            yield character


def _base64(value: bytes) -> Iterator[Needle]:
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + value).decode()
        first, (last, rest) = -(-8 * before // 6), divmod(8 * (before + len(value)), 6)
        edge = _edge(encoded[last], 6 - rest) if rest else ""
        yield from _base64_forms(encoded[first:last], edge)


def _edge(character: str, open_bits: int) -> str:
    """The characters whose leading bits are those of `character`."""
    at = _ALPHABET.index(character)
    return _ALPHABET[at : at + (1 << open_bits)]


def _base64_forms(text: str, edge: str) -> Iterator[Needle]:
    both = (edge + edge.translate(_URL_SAFE)).encode()
    for form in {text, text.translate(_URL_SAFE)}:
        yield Needle(form.encode(), wraps=True, edge=both)
        if len(form) >= _SHIFT + _SHORTEST_BASE64:  # a line break among its first characters
            yield Needle(form[_SHIFT:].encode(), wraps=True, edge=both)
    for plus, slash in (("%2B", "%2F"), ("%2b", "%2f"), ("+", "\\/")):
        form = text.replace("+", plus).replace("/", slash)
        if form != text:
            yield Needle(form.encode(), edge=both)
