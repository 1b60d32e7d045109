"""`.triform/spec.yaml`: what an element is, apart from its code, as a file people can edit.

element_type: …      fixed, as is the slug
slug: …
name: …
intention: …
spec: {…}            without what lies in files of its own
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from triform.chemistry.document import PLAIN, parse_document
from triform.errors import Complaint

PATH = ".triform/spec.yaml"
KEYS = ("element_type", "slug", "name", "intention", "spec")
_HEAD = "# What is pushed to draft becomes the element's next version. Secrets stand here by their digest only.\n"
_TAGS = ("null", "bool", "int", "float")


class _Dumper(yaml.CSafeDumper):
    """Writes texts so that our strict reader and any other reader of YAML take them for texts."""


for _tag, (_pattern, _) in zip(_TAGS, PLAIN, strict=True):
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, None)


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(
    float, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", repr(value))
)


def written(document: Mapping[str, Any]) -> bytes:
    """The file that says this; `parsed` gives the same back."""
    return (_HEAD + dumped(document)).encode()


def dumped(document: Mapping[str, Any]) -> str:
    """YAML that our strict reader and any other reader take for the same."""
    text: str = yaml.dump(
        dict(document),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=1 << 20,
        default_flow_style=False,
    )
    return text


def parsed(content: bytes) -> tuple[dict[str, Any], list[Complaint]]:
    """What a file says, or everything wrong with it; each complaint names the line."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return {}, [Complaint("", f"{PATH}: is not UTF-8")]
    document, refused = parse_document(Path(PATH), text)
    if document is None or refused:
        return {}, [Complaint("", str(each)) for each in refused]
    unknown = [key for key in document.value if key not in KEYS]
    complaints = [Complaint(f"/{key}", f"{document.place((key,))}: unknown key; {_KNOWN}") for key in unknown]
    if not isinstance(document.value.get("spec", {}), dict):
        complaints.append(Complaint("/spec", f"{document.place(('spec',))}: spec is a mapping"))
    return document.value, complaints


_KNOWN = f"the keys are {', '.join(KEYS)}"
