"""What the shipped catalogue says, against the contract."""

import ast
import sys
from pathlib import Path

import pytest

import triform
from triform.chemistry import catalogue as module
from triform.chemistry.catalogue import Catalogue
from triform.chemistry.model import END_CAUSES, LEVELS, covers

RUN = "0190d6a0-0000-7000-8000-00000000abcd"

SHARED = {
    "create": ("POST", "create", "write"),
    "get": ("GET", "get", "read"),
    "update": ("PATCH", "update", "write"),
    "update_meta": ("PATCH", "update_meta", "write"),
    "runs": ("GET", "runs", "read"),
    "run_get": ("GET", "runs/{run_id}", "read"),
    "schema": ("GET", "schema", "read"),
    "source": ("GET", "source", "read"),
    "export_bundle": ("GET", "export/bundle", "read"),
    "import_bundle": ("POST", "import/bundle", "write"),
    "readme": ("GET", "readme", "read"),
    "readme_update": ("POST", "readme_update", "write"),
    "source_branches": ("GET", "source/branches", "read"),
    "source_promote": ("POST", "source/promote", "write"),
    "source_status": ("GET", "source/status", "read"),
    "source_validate": ("POST", "source/validate", "read"),
    "source_repair": ("POST", "source/repair", "write"),
    "attachments": ("GET", "attachments", "read"),
    "get_attached_modifiers": ("GET", "attached", "read"),
    "compose": ("POST", "compose", "execute"),
    "remove-modifier": ("POST", "remove-modifier", "execute"),
    "context": ("GET", "context", "read"),
    "tree": ("GET", "tree", "read"),
    "batch_stats": ("GET", "batch_stats", "read"),
    "activity": ("GET", "activity", "read"),
    "intention": ("GET", "intention", "read"),
    "access": ("GET", "access", "read"),
}
PLACED = SHARED | {
    "attach": ("POST", "attach", "read"),
    "detach": ("POST", "detach", "read"),
    "list_attachments": ("GET", "targets", "read"),
    "promote": ("POST", "promote", "admin"),
    "delete": ("DELETE", "delete", "admin"),
    "enable": ("POST", "enable", "admin"),
    "disable": ("POST", "disable", "admin"),
    "version": ("GET", "version", "read"),
    "restore": ("POST", "restore", "admin"),
    "stats": ("GET", "stats", "read"),
}
PROJECT = PLACED | {"promote": ("POST", "promote", "write")}
RUBY = PLACED | {
    "invoke": ("POST", "invoke", "execute"),
    "quote": ("GET", "invoke/quote", "read"),
    "deploy": ("POST", "deploy", "write"),
    "validate_source": ("POST", "validate_source", "write"),
    "run_cancel": ("POST", "runs/{run_id}/cancel", "execute"),
    "runs_replay": ("POST", "runs/replay", "execute"),
    "run_diff": ("GET", "runs/{run_id}/diff", "read"),
    "run_replay": ("POST", "runs/{run_id}/replay", "execute"),
    "logs": ("GET", "logs", "read"),
    "diagnostics": ("GET", "diagnostics", "read"),
}
CIRCLE = SHARED | {
    "children": ("GET", "children", "read"),
    "wallet": ("GET", "wallet", "read"),
    "wallet_entries": ("GET", "wallet/entries", "read"),
    "wallet_top_up": ("POST", "wallet/top_up", "admin"),
    "members": ("GET", "members", "admin"),
    "member_set": ("POST", "members/set", "admin"),
    "member_remove": ("POST", "members/remove", "admin"),
    "tokens": ("GET", "tokens", "admin"),
    "token_create": ("POST", "tokens/create", "admin"),
    "token_revoke": ("POST", "tokens/revoke", "admin"),
}


@pytest.mark.parametrize(
    ("name", "wanted"), [("ruby", RUBY), ("circle", CIRCLE), ("project", PROJECT), ("variable", PLACED)]
)
def test_exactly_the_operations_that_work_are_declared(
    catalogue: Catalogue, name: str, wanted: dict[str, tuple[str, str, str]]
) -> None:
    declared = {o.name: (o.verb, o.path, o.level) for o in catalogue.type(name).operations.values()}
    assert declared == wanted


def test_what_leaves_no_run(catalogue: Catalogue) -> None:
    unrecorded = {o.name for t in catalogue.types.values() for o in t.operations.values() if not o.recorded}
    reading = {o.name for t in catalogue.types.values() for o in t.operations.values() if o.verb == "GET"}
    assert unrecorded - reading == {"validate_source", "source_validate", "update_meta"}
    assert reading <= unrecorded


def test_what_runs_user_work(catalogue: Catalogue) -> None:
    assert {o.name for t in catalogue.types.values() for o in t.operations.values() if o.execution} == {
        "invoke",
        "deploy",
    }


def test_only_calls_with_user_data_have_their_envelope_opened(catalogue: Catalogue) -> None:
    assert {o.name for t in catalogue.types.values() for o in t.operations.values() if o.envelope} == {"invoke"}


def test_a_path_leads_to_its_operation(catalogue: Catalogue) -> None:
    found = catalogue.type("ruby").by_path(f"runs/{RUN.upper()}/cancel")
    assert found is not None
    assert (found[0].name, found[1]) == ("run_cancel", {"run_id": RUN})


@pytest.mark.parametrize(
    "path",
    ["", "runs/", "runs/latest", f"runs/{RUN}/", f"runs/{RUN}\n", f"/runs/{RUN}", f"runs/{RUN[:-1]}", "nope"],
)
def test_other_paths_lead_nowhere(catalogue: Catalogue, path: str) -> None:
    assert catalogue.type("ruby").by_path(path) is None


def test_every_declared_path_leads_to_itself(catalogue: Catalogue) -> None:
    for element_type in catalogue.types.values():
        for operation in element_type.operations.values():
            found = element_type.by_path(operation.path.replace("{run_id}", RUN))
            assert found is not None
            assert found[0] is operation


def test_only_invoke_costs(catalogue: Catalogue) -> None:
    prices = {o.name: o.prices for t in catalogue.types.values() for o in t.operations.values() if o.prices}
    assert list(prices) == ["invoke"]
    assert [(p.dimension, p.amount_micro_au) for p in prices["invoke"]] == [("per_invocation", 10_000)]


def test_one_type_is_the_tenant_and_holds_children(catalogue: Catalogue) -> None:
    assert catalogue.tenant_type.name == "circle"
    assert [t.name for t in catalogue.types.values() if t.accepts_children] == ["circle", "project"]


def test_every_way_code_can_end_has_an_error(catalogue: Catalogue) -> None:
    for element_type in catalogue.types.values():
        if element_type.language:
            assert {element_type.error_for(cause).code for cause in END_CAUSES}
            assert element_type.error_for("timeout").kind == "timeout"


def test_every_error_says_why_and_what_to_do(catalogue: Catalogue) -> None:
    for error in catalogue.errors.values():
        assert error.suggestion.why
        assert error.suggestion.fix
        assert error.failure().suggestion is error.suggestion


def test_helping_operations_exist(catalogue: Catalogue) -> None:
    names = {name for element_type in catalogue.types.values() for name in element_type.operations}
    assert {e.suggestion.op for e in catalogue.errors.values() if e.suggestion.op} <= names


def test_levels_include_those_before_them() -> None:
    assert [[covers(granted, needed) for needed in LEVELS].count(True) for granted in LEVELS] == [1, 2, 3, 4, 5]


def test_the_catalogue_is_frozen(catalogue: Catalogue) -> None:
    with pytest.raises(TypeError):
        catalogue.types["x"] = catalogue.tenant_type  # type: ignore[index]
    with pytest.raises(TypeError):
        catalogue.tenant_type.operations["x"] = None  # type: ignore[index]
    with pytest.raises(AttributeError):
        catalogue.tenant_type.name = "x"  # type: ignore[misc]


def _classes() -> list[tuple[Path, ast.ClassDef]]:
    root = Path(triform.__file__).parent
    trees = [(file, ast.parse(file.read_text(), feature_version=(3, 12))) for file in root.rglob("*.py")]
    return [(file, node) for file, tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


def _constants(node: ast.ClassDef) -> dict[str, object]:
    found: dict[str, object] = {}
    for statement in node.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        value = getattr(statement, "value", None)
        if isinstance(targets[0], ast.Name) and isinstance(value, ast.Constant):
            found[targets[0].id] = value.value
    return found


def test_every_error_class_of_the_product_is_declared_with_its_class(catalogue: Catalogue) -> None:
    """Codes raised anywhere must be documented; what is raised may narrow `retryable`, never widen it."""
    raised = [(node.name, _constants(node)) for _, node in _classes()]
    known = [(name, c) for name, c in raised if isinstance(c.get("code"), str) and isinstance(c.get("kind"), str)]
    assert len(known) > 5
    for name, constants in known:
        declared = catalogue.errors.get(str(constants["code"]))
        assert declared is not None, f"{name}: {constants['code']} is not in errors.yaml"
        assert declared.kind == constants["kind"], name
        assert declared.retryable or not constants.get("retryable", False), name


def test_chemistry_is_pure() -> None:
    """It reads YAML; nothing of storage, fleet, settings or observability is below it."""
    room = Path(module.__file__).parent
    allowed = {"triform.errors", "triform.ids", "triform.clock"}
    for file in room.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            ours = {name for name in names if name.startswith("triform")}
            assert all(name in allowed or name.startswith("triform.chemistry") for name in ours), file


def test_no_code_of_chemistry_knows_a_type_a_category_or_a_language(catalogue: Catalogue) -> None:
    room = Path(module.__file__).parent
    names = {name for t in catalogue.types.values() for name in (t.name, t.category, t.language) if name}
    for file in room.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant):
                assert node.value not in names, f"{file}:{node.lineno}"


def test_loading_needs_nothing_but_the_files() -> None:
    assert "triform.settings" not in vars(sys.modules["triform.chemistry.catalogue"])
