"""The API as OpenAPI 3.1, made from the catalogue."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from triform.chemistry.catalogue import Catalogue
from triform.chemistry.document import read_document
from triform.chemistry.openapi.components import component_schemas
from triform.chemistry.openapi.paths import paths

OPENAPI = "3.1.1"


def document(catalogue: Catalogue, version: str) -> dict[str, Any]:
    """The whole description as plain JSON values; `version` is the product's."""
    fixed = _fixed()
    return {
        "openapi": OPENAPI,
        "info": {**fixed["info"], "version": version},
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "tags": fixed["tags"],
        "security": fixed["security"],
        "paths": {**paths(catalogue), **fixed["paths"]},
        "components": {
            "schemas": dict(sorted({**component_schemas(catalogue), **fixed["schemas"]}.items())),
            "parameters": fixed["parameters"],
            "headers": fixed["headers"],
            "responses": fixed["responses"],
            "securitySchemes": fixed["security_schemes"],
        },
    }


@cache
def _fixed() -> Mapping[str, Any]:
    found, complaints = read_document(Path(__file__).parent / "fixed.yaml")
    if found is None or complaints:
        raise RuntimeError(f"broken description: {complaints}")
    return found.value
