"""The symbols that the traced run names exist."""

import re
from importlib import import_module

import pytest

from tests.architecture.house import ROOT

SYMBOLS = re.findall(r"`(triform\.[A-Za-z_.]+)`", (ROOT / "docs/a-run-traced.md").read_text())


def _exists(symbol: str) -> bool:
    """Whether a dotted name leads to something: a module, then attributes of it."""
    parts = symbol.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_symbol_of_the_traced_run_exists(symbol: str) -> None:
    assert _exists(symbol)


def test_the_trace_goes_all_the_way() -> None:
    assert len(SYMBOLS) > 15


@pytest.mark.parametrize("symbol", ["triform.nowhere.Thing", "triform.api.ops.Opsis"])
def test_a_symbol_that_is_gone_is_noticed(symbol: str) -> None:
    assert not _exists(symbol)
