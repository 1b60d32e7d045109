"""Rows of the database, read as elements."""

from triform.elements.model import BRANCHES, Bundled, Element, State, Tip
from triform.elements.specs import decode, decode_secrets
from triform.storage.database import Row


def element_from_row(row: Row) -> Element:
    """The element a row of `elements` (and its circle's name) stands for."""
    return Element(
        id=row["id"],
        circle_id=row["circle_id"],
        circle_name=row["circle_name"],
        parent_id=row["parent_id"],
        slug=row["slug"],
        element_type=row["element_type"],
        name=row["name"],
        intention=row["intention"],
        state=State(row["state"]),
        enabled_state=State(row["enabled_state"]),
        version=row["version"],
        spec=decode(row["spec"]),
        meta=decode(row["meta"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        deployed_version=row["deployed_version"],
        runtime_image=pinned(row, row["version"]),
        bundled=bundled(row),
        secrets=decode_secrets(row["secrets"]),
        branches=_branches(row),
        graph_revision=row.get("graph_revision", 0),
        commit=row["draft_commit"] if row["draft_version"] == row["version"] else None,
    )


def pinned(row: Row, version: int) -> str | None:
    """The runtime image, if the deploy was of that very version."""
    return row["runtime_image"] if row.get("bundled_version") == version else None


def bundled(row: Row) -> Bundled | None:
    """What the last deploy up to the row's version brought along; None when nothing was deployed, or asked for."""
    if row.get("bundled_version") is None:
        return None
    return Bundled(
        tuple(row["requirements"]),
        row["bundle"],
        row["runtime_image"],
        row["fetched_from"],
        row["fetched_commit"],
    )


def _branches(row: Row) -> dict[str, Tip]:
    return {
        branch: Tip(row[f"{branch}_commit"], row[f"{branch}_version"])
        for branch in BRANCHES
        if row[f"{branch}_commit"] is not None
    }
