"""The rules of the house hold, and each rule notices when it is broken."""

from pathlib import Path

import pytest

from tests.architecture.house import (
    MOST_FILE_LINES,
    MOST_FUNCTION_LINES,
    PACKAGE,
    ROOT,
    Rule,
    Source,
    branches_on,
    declared_names,
    no_blocking_sleep,
    no_sql,
    no_swallowed_errors,
    objections,
    short_files,
    short_functions,
    sources,
    telling_module_names,
)

PRODUCT = sources(PACKAGE)
EVERYTHING = [*PRODUCT, *sources(ROOT / "tests")]

OWN_FOLDERS = (PACKAGE / "chemistry" / "definitions", PACKAGE / "substrates" / "isolation" / "harnesses")
"""Where a type or a language may call itself by its name."""


DOUBLES = PACKAGE / "testing"
"""What only tests use."""


def _written(text: str, path: str = "src/triform/runs/thing.py") -> Source:
    return Source(ROOT / path, text)


def test_nothing_outside_chemistry_decides_by_the_name_of_a_type_category_or_language() -> None:
    elsewhere = [file for file in PRODUCT if not any(file.path.is_relative_to(own) for own in OWN_FOLDERS)]
    assert objections(branches_on(declared_names()), elsewhere) == []


def test_the_declared_names_are_those_of_the_definition_and_harness_folders() -> None:
    names = declared_names()
    for folder in (PACKAGE / "chemistry" / "definitions").glob("*/*/definition.yaml"):
        assert {folder.parent.name, folder.parent.parent.name} <= names
    assert names


@pytest.mark.parametrize(
    "text",
    [
        "if kind == 'cobol': pass",
        "if 'cobol' != kind: pass",
        "if kind in ('cobol', 'other'): pass",
        "if kind not in {'cobol'}: pass",
        "if kind in frozenset({'cobol'}): pass",
        "ok = [one for one in many if one.type == 'cobol']",
        "match kind:\n    case 'cobol': pass",
        "match kind:\n    case 'other' | 'cobol': pass",
        "kind.startswith('cobol')",
        "run = {'cobol': compile}[kind]",
        "while language is not 'cobol': pass",
    ],
)
def test_a_decision_by_name_is_noticed(text: str) -> None:
    assert objections(branches_on({"cobol"}), [_written(text)])


@pytest.mark.parametrize(
    "text", ["body['cobol'] = 1", "'cobol' in body", "x == 'fortran'", "'''cobol'''", "f(cobol=1)"]
)
def test_data_under_such_a_key_is_no_decision(text: str) -> None:
    assert objections(branches_on({"cobol"}), [_written(text)]) == []


TRAVELLING = (telling_module_names, short_files, short_functions, no_blocking_sleep, no_swallowed_errors)


@pytest.mark.parametrize("rule", TRAVELLING)
def test_product_and_tests_keep_the_rule(rule: Rule) -> None:
    assert objections(rule, EVERYTHING) == []


NO_PARAMETERS = PACKAGE / "circles" / "provision.py"
"""CREATE ROLE takes no parameters: its statement is built, and tested as a value."""


def test_sql_lives_in_queries_and_migrations() -> None:
    product = [file for file in PRODUCT if file.path != NO_PARAMETERS and not file.path.is_relative_to(DOUBLES)]
    assert objections(no_sql, product) == []


def test_the_exemption_from_the_sql_rule_covers_one_statement() -> None:
    exempt = [file for file in PRODUCT if file.path == NO_PARAMETERS]
    assert len(objections(no_sql, exempt)) == 1


def test_a_module_about_nothing_is_noticed() -> None:
    assert objections(telling_module_names, [_written("", "src/triform/runs/helpers.py")])
    assert objections(telling_module_names, [_written("", "src/triform/common/thing.py")])
    assert objections(telling_module_names, [_written("", "src/triform/runs/baseline.py")]) == []


def test_a_long_file_is_noticed() -> None:
    assert objections(short_files, [_written("x = 1\n" * (MOST_FILE_LINES + 1))])
    assert objections(short_files, [_written("x = 1\n" * MOST_FILE_LINES)]) == []


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_a_long_function_is_noticed(keyword: str) -> None:
    body = "    x = 1\n"
    assert objections(short_functions, [_written(f"{keyword} f():\n" + body * MOST_FUNCTION_LINES)])
    assert objections(short_functions, [_written(f"{keyword} f():\n" + body * (MOST_FUNCTION_LINES - 1))]) == []


@pytest.mark.parametrize("text", ["import time\ntime.sleep(1)", "from time import sleep", "wait = time.sleep"])
def test_a_blocking_sleep_is_noticed(text: str) -> None:
    assert objections(no_blocking_sleep, [_written(text)])


@pytest.mark.parametrize(
    "text",
    [
        "try: f()\nexcept Exception: pass",
        "try: f()\nexcept: ...",
        "for x in y:\n    try: f()\n    except (ValueError, BaseException): continue",
        "with suppress(Exception): f()",
        "with contextlib.suppress(Exception): f()",
    ],
)
def test_a_swallowed_error_is_noticed(text: str) -> None:
    assert objections(no_swallowed_errors, [_written(text)])


def test_an_error_that_is_dealt_with_is_none_of_the_rules_business() -> None:
    text = "try: f()\nexcept Exception as error: log(error)\ntry: g()\nexcept KeyError: pass"
    assert objections(no_swallowed_errors, [_written(text)]) == []


@pytest.mark.parametrize(
    "text",
    [
        "q = 'SELECT id FROM runs WHERE x'",
        "q = '''\n  INSERT INTO runs VALUES (1)'''",
        "q = f'UPDATE {table} SET x = 1'",
        "q = 'DELETE FROM runs'",
        "q = 'CREATE ROLE circle'",
        "q = 'WITH a AS (TABLE x)'",
    ],
)
def test_sql_in_code_is_noticed(text: str) -> None:
    assert objections(no_sql, [_written(text)])


@pytest.mark.parametrize("text", ["'''SELECT a FROM b'''", "m = 'Select one from the list'", "m = 'Update it'"])
def test_prose_is_not_taken_for_sql(text: str) -> None:
    assert objections(no_sql, [_written(text)]) == []


def test_the_rules_look_at_every_file_of_the_product() -> None:
    assert {source.path for source in PRODUCT} == set(Path(PACKAGE).rglob("*.py"))
