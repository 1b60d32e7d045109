"""Operation paths: literal ones by one dict look-up, those with arguments by their number of segments."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

ARGUMENT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def arguments_of(path: str) -> tuple[str, ...]:
    """The argument names of a path, in order: `runs/{run_id}` → `("run_id",)`."""
    return tuple(ARGUMENT.findall(path))


def shape_of(path: str) -> str:
    """A path with its argument names blanked: two ops must not share one."""
    return ARGUMENT.sub("{}", path)


@dataclass(frozen=True, slots=True)
class PathTable:
    """Where each path leads. Path arguments are ids: they match UUIDs only."""

    literal: Mapping[str, str]
    patterns: Mapping[int, tuple[tuple[re.Pattern[str], str], ...]]

    def find(self, path: str) -> tuple[str, Mapping[str, str]] | None:
        """The operation's name and its path arguments (lower case), or None."""
        name = self.literal.get(path)
        if name is not None:
            return name, {}
        for pattern, candidate in self.patterns.get(path.count("/"), ()):
            if match := pattern.fullmatch(path):
                return candidate, {key: value.lower() for key, value in match.groupdict().items()}
        return None


def path_table(paths: Mapping[str, str]) -> PathTable:
    """Compile a mapping of operation name → path."""
    literal = {path: name for name, path in paths.items() if not arguments_of(path)}
    patterns: dict[int, tuple[tuple[re.Pattern[str], str], ...]] = {}
    for name, path in paths.items():
        if arguments_of(path):
            depth = path.count("/")
            patterns[depth] = (*patterns.get(depth, ()), (_pattern(path), name))
    return PathTable(literal, patterns)


def _pattern(path: str) -> re.Pattern[str]:
    parts = [
        f"(?P<{match[1]}>{_UUID})" if (match := ARGUMENT.fullmatch(part)) else re.escape(part)
        for part in path.split("/")
    ]
    return re.compile("/".join(parts))
