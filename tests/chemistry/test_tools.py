"""Operations as tools for agents, in MCP's form."""

import pytest

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.model import covers
from triform.chemistry.operation import Operation
from triform.chemistry.schema import compile_schema
from triform.chemistry.tools import tools


def every(operation: Operation) -> bool:
    return True


@pytest.mark.parametrize("name", ["ruby", "circle"])
def test_every_operation_is_a_tool_with_object_schemas(catalogue: Catalogue, name: str) -> None:
    element_type = catalogue.type(name)
    offered = tools(element_type, every)
    assert [tool["name"] for tool in offered] == list(element_type.operations)
    for tool in offered:
        assert tool["description"]
        for key in {"inputSchema", "outputSchema"} & set(tool):
            assert tool[key]["type"] == "object"
            compile_schema(tool[key])


def test_only_tools_within_the_callers_level_are_offered(catalogue: Catalogue) -> None:
    kind = catalogue.type("ruby")
    offered = {tool["name"] for tool in tools(kind, lambda each: covers("execute", each.level))}
    assert {"invoke", "get", "run_cancel"} <= offered
    assert offered.isdisjoint({"delete", "update", "deploy"})


def test_hints_follow_from_the_verb(catalogue: Catalogue) -> None:
    hints = {tool["name"]: tool["annotations"] for tool in tools(catalogue.type("ruby"), every)}
    assert hints["get"]["readOnlyHint"] is True
    assert hints["delete"]["destructiveHint"] is True
    assert hints["invoke"]["readOnlyHint"] is False
