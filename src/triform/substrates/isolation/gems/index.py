"""What a gem source says of a gem: lines of the compact index. Pure.

---
1.2.0 rack:>= 2&< 4,json:~> 2.0|checksum:<sha256>,ruby:>= 2.7
1.2.0-x86_64-linux |checksum:<sha256>
"""

import re
from dataclasses import dataclass

PURE = "ruby"
"""RubyGems' word for a gem that runs on every platform."""

NAME = re.compile(r"[A-Za-z0-9._-]{1,200}", re.ASCII)
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,200}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class GemFile:
    """One file of a gem source. `sha256` is what the index says it is."""

    name: str
    version: str
    platform: str
    sha256: str

    @property
    def number(self) -> str:
        return self.version if self.platform == PURE else f"{self.version}-{self.platform}"

    @property
    def file(self) -> str:
        return f"{self.name}-{self.number}.gem"


def checksums(lines: str) -> dict[str, str]:
    """SHA-256 by `version` or `version-platform`; lines that make no sense are left out."""
    found: dict[str, str] = {}
    for line in lines.splitlines():
        number, _, rest = line.partition(" ")
        said = dict(part.partition(":")[::2] for part in rest.partition("|")[2].split(","))
        digest = said.get("checksum", "").strip().lower()
        if _VERSION.fullmatch(number) and _DIGEST.fullmatch(digest):
            found[number] = digest
    return found
