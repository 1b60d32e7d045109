"""Everything a set of definitions must satisfy. Each check yields complaints; none raises; all are run."""

from collections.abc import Callable, Collection, Iterator

from triform.chemistry.checks.catalogue_wide import check_together
from triform.chemistry.checks.contract import check_contract
from triform.chemistry.checks.docs import check_docs
from triform.chemistry.checks.examples import check_examples
from triform.chemistry.checks.identity import check_identity
from triform.chemistry.checks.operations import check_operations
from triform.chemistry.checks.runtime import check_runtime
from triform.chemistry.checks.spec import check_spec_schema
from triform.chemistry.complaints import DefinitionComplaint
from triform.chemistry.folders import TypeSources
from triform.chemistry.inherit import Resolved, resolve
from triform.chemistry.shape import check_document, check_resolved

CHECKS: tuple[Callable[[Resolved], Iterator[DefinitionComplaint]], ...] = (
    check_identity,
    check_spec_schema,
    check_operations,
    check_contract,
    check_docs,
    check_examples,
)


def check_all(
    sources: Collection[TypeSources], known_hooks: Collection[str] | None
) -> tuple[list[Resolved], list[DefinitionComplaint]]:
    """Merge and check all types; the merged definitions are sound only when there is no complaint."""
    complaints = [complaint for source in sources for complaint in _check_layers(source)]
    resolved = [resolve(source) for source in sources]
    for definition in resolved:
        complaints += definition.complaints
        complaints += check_resolved(definition)
        complaints += check_runtime(definition, known_hooks)
        complaints += (complaint for check in CHECKS for complaint in check(definition))
    complaints += check_together(resolved)
    return resolved, complaints


def _check_layers(source: TypeSources) -> Iterator[DefinitionComplaint]:
    for layer in source.layers:
        for name, document in layer.documents.items():
            yield from check_document(name, document)
