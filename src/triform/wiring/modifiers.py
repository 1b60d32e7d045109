"""What is attached to what."""

from triform.elements.graph.connections import Connections
from triform.modifiers.change import Changes
from triform.modifiers.operations import ModifierOperations
from triform.modifiers.store import AttachmentStore
from triform.wiring.parts import Ground


def changes(base: Ground) -> Changes:
    connections = Connections(base.graphs, base.cache.forget_circle)
    return Changes(base.catalogue, base.graphs, connections, AttachmentStore(), base.ids, base.clock)


def modifiers(base: Ground) -> ModifierOperations:
    return ModifierOperations(base.catalogue, base.graphs, changes(base))
