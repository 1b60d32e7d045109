"""Whatever stands in a definition, loading answers with complaints, never with a crash."""

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.hunting import examples
from triform.chemistry.catalogue import DEFINITIONS, load
from triform.chemistry.complaints import DefinitionsRefused
from triform.chemistry.document import read_document

SHIPPED = DEFINITIONS / "actions" / "ruby"
NAMES_OF_ITS_OWN = {"definition.yaml", "observability.yaml"}
"""What a twin cannot share with the type it is a copy of."""

FILES = sorted(path.relative_to(SHIPPED) for path in SHIPPED.rglob("*.yaml") if path.name not in NAMES_OF_ITS_OWN)
ODD = st.sampled_from(
    [None, True, 0, -1, 2.5, "", "x", "/x", "{x}", [], [None], [[1]], {}, {"x": None}, {"$ref": 1}]
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, inner in items for path in paths(inner, (*here, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    if isinstance(value, dict):
        return {key: replaced(inner, path[1:], new) if key == path[0] else inner for key, inner in value.items()}
    return [replaced(inner, path[1:], new) if index == path[0] else inner for index, inner in enumerate(value)]


@examples(20)
@given(data=st.data())
def test_a_value_replaced_anywhere_is_loaded_or_complained_about(tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / "actions" / "twin"
    shutil.copytree(SHIPPED, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*NAMES_OF_ITS_OWN))
    (folder / "definition.yaml").write_text("symbol: Tw\ncolour: '#00AA00'\ntitle: Twin\none_line: A copy.\n")
    name = data.draw(st.sampled_from(FILES))
    document, _ = read_document(SHIPPED / name)
    assert document is not None
    where = data.draw(st.sampled_from(paths(document.value)))
    (folder / name).write_text(json.dumps(replaced(document.value, where, data.draw(ODD)), ensure_ascii=False))
    with contextlib.suppress(DefinitionsRefused):
        assert load([tmp_path]).find("twin")
