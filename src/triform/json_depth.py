"""How deep a JSON text is nested, told before anything recursive reads it."""

import re
from itertools import accumulate

MAX_DEPTH = 100
"""Of what callers send."""

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""A string, terminated or not: an unterminated one must match too, or scanning would be quadratic."""
_OPENING = re.compile(rb"\s*[\[{]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def depth(document: bytes) -> int:
    """How deep the arrays and objects of a JSON text are nested; cheap, and no recursion."""
    if document.count(b"[") + document.count(b"{") < 2:
        return int(_OPENING.match(document) is not None)
    bare = _STRINGS.sub(b"", document).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, bare)), default=0)


def place_below(document: bytes, levels: int) -> int:
    """Where the bracket stands that opens one level more than these; the document's length if none does."""
    blank = _STRINGS.sub(lambda string: b" " * len(string[0]), document)
    deep = 0
    for at, byte in enumerate(blank):
        deep += _STEP.get(byte, 0)
        if deep > levels:
            return at
    return len(document)
