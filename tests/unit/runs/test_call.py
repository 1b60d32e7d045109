"""What a call shows of itself in logs and tracebacks."""

import pytest
from rich.pretty import pretty_repr

from tests.unit.isolation.world import make_call
from triform.executor.passage import Passage

SECRET = "hunter2hunter2"


@pytest.mark.parametrize("shown", [repr, pretty_repr])
def test_neither_form_has_what_is_secret(shown: object) -> None:
    assert callable(shown)
    call = make_call(value={"a": SECRET}).evolve(secrets={"KEY": SECRET}, environment={"KEY": SECRET})
    again = make_call().evolve(asked=call)
    for each in (call, again, Passage(call=call), [{"call": again}]):
        assert SECRET not in shown(each)
        assert "greet" in shown(each)
