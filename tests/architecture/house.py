"""The house rules as functions over Python sources: each yields what it objects to."""

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "triform"

MOST_FILE_LINES = 300
MOST_FUNCTION_LINES = 50
BANNED_MODULES = frozenset({"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "misc"})


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))


@dataclass(frozen=True)
class Objection:
    """What a rule has against a line."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        place = self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path
        return f"{place}:{self.line}: {self.message}"


Rule = Callable[[Source], Iterator[Objection]]


def sources(*folders: Path) -> list[Source]:
    """Every Python file below the folders."""
    paths = sorted(path for folder in folders for path in folder.rglob("*.py"))
    return [Source(path, path.read_text(encoding="utf-8")) for path in paths]


def objections(rule: Rule, files: Iterable[Source]) -> list[str]:
    return [str(objection) for source in files for objection in rule(source)]


# --- names of element types, categories and languages --------------------------------------------------------


def declared_names() -> frozenset[str]:
    """Every type, category and language that is defined right now, so that a new one is covered at once."""
    definitions = PACKAGE / "chemistry" / "definitions"
    types = {path.parent for path in definitions.glob("*/*/definition.yaml")}
    languages = (PACKAGE / "substrates" / "isolation" / "harnesses").glob("*/language.yaml")
    return frozenset(
        {path.name for path in types}
        | {path.parent.name for path in types}
        | {path.parent.name for path in languages}
    )


def branches_on(names: Collection[str]) -> Rule:
    """No comparison, membership test, match or dispatch table on a declared name."""

    def rule(source: Source) -> Iterator[Objection]:
        for node in ast.walk(source.tree):
            for name in sorted(set(_names_decided_by(node)) & set(names)):
                yield Objection(source.path, node.lineno, f"decides by the name {name!r}; chemistry must say it")

    return rule


def _names_decided_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Compare):
        yield from _compared(node)
    elif isinstance(node, ast.MatchValue):
        yield from _texts(node.value)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in ("startswith", "endswith", "removeprefix", "removesuffix"):
            yield from (text for argument in node.args for text in _texts(argument))
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Dict):
        yield from (text for key in node.value.keys if key is not None for text in _texts(key))


def _compared(node: ast.Compare) -> Iterator[str]:
    operands = [node.left, *node.comparators]
    for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
        if isinstance(operator, ast.Eq | ast.NotEq | ast.Is | ast.IsNot):
            yield from (text for side in (left, right) for text in _texts(side))
        elif isinstance(operator, ast.In | ast.NotIn):
            yield from _texts(right) if not isinstance(right, ast.Constant) else ()


def _texts(node: ast.expr) -> Iterator[str]:
    """A text literal, or the texts of a literal collection."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        yield from (text for item in node.elts for text in _texts(item))
    elif isinstance(node, ast.Dict):
        yield from (text for key in node.keys if key is not None for text in _texts(key))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("frozenset", "set"):
        yield from (text for argument in node.args for text in _texts(argument))


# --- size and names ------------------------------------------------------------------------------------------


def telling_module_names(source: Source) -> Iterator[Objection]:
    """A module is named for what it is about."""
    for name in (source.path.stem, source.path.parent.name):
        if name in BANNED_MODULES:
            yield Objection(source.path, 1, f"a module called {name!r} is about nothing in particular")


def short_files(source: Source) -> Iterator[Objection]:
    count = len(source.text.splitlines())
    if count > MOST_FILE_LINES:
        yield Objection(source.path, count, f"{count} lines; past {MOST_FILE_LINES} a file wants to be two")


def short_functions(source: Source) -> Iterator[Objection]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > MOST_FUNCTION_LINES:
                yield Objection(
                    source.path, node.lineno, f"{node.name} has {count} lines; {MOST_FUNCTION_LINES} at most"
                )


# --- waiting, swallowing, SQL --------------------------------------------------------------------------------


def no_blocking_sleep(source: Source) -> Iterator[Objection]:
    """Wait for the thing, not for the clock."""
    for node in ast.walk(source.tree):
        named = isinstance(node, ast.Attribute) and node.attr == "sleep" and _is_name(node.value, "time")
        imported = isinstance(node, ast.ImportFrom) and node.module == "time"
        if named or (imported and any(alias.name == "sleep" for alias in node.names)):
            yield Objection(source.path, node.lineno, "time.sleep: wait for what is awaited instead")


def no_swallowed_errors(source: Source) -> Iterator[Objection]:
    """Whoever catches everything must do something about it."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and _catches_all(node.type) and all(map(_is_nothing, node.body)):
            yield Objection(source.path, node.lineno, "swallows every exception")
        if isinstance(node, ast.Call) and _called(node) == "suppress" and any(map(_catches_all, node.args)):
            yield Objection(source.path, node.lineno, "suppresses every exception")


def _catches_all(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Tuple):
        return any(map(_catches_all, node.elts))
    return node is None or _is_name(node, "Exception") or _is_name(node, "BaseException")


def _is_nothing(statement: ast.stmt) -> bool:
    empty = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return empty or isinstance(statement, ast.Pass | ast.Continue)


SQL = re.compile(
    r"\s*(SELECT\s+\S|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|WITH\s+\S+\s+AS\s*\("
    r"|(CREATE|ALTER|DROP)\s+(TABLE|SCHEMA|ROLE|INDEX|FUNCTION|TYPE|DATABASE|EXTENSION)\s|(GRANT|REVOKE)\s.+\s(ON|TO|FROM)\s)",
    re.DOTALL,
)


def no_sql(source: Source) -> Iterator[Objection]:
    """Statements live in queries.sql and migrations, where they can be read as SQL."""
    prose = {id(node) for node in (*_docstrings(source.tree), *_pieces(source.tree))}
    for node in ast.walk(source.tree):
        if id(node) not in prose and SQL.match(_literal(node)):
            yield Objection(source.path, getattr(node, "lineno", 1), "SQL outside queries.sql and migrations")


def _literal(node: ast.AST) -> str:
    """The text of a literal; what is filled into an f-string stands as a name."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_literal(part) or "name" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _pieces(tree: ast.Module) -> Iterator[ast.expr]:
    """The parts of f-strings, which are looked at as wholes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield from node.values


def _docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Texts that stand as statements: documentation, not data."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""
