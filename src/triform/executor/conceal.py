"""Before anything else: secret values are taken out of what was posted, so that nothing can write them down."""

import msgspec

from triform.executor.house import House
from triform.runs.call import Call
from triform.substrates.interfaces import PLATFORM


def conceal(call: Call, house: House) -> Call:
    """The call with digests in the place of the secret values of its spec; the values are in `secrets`."""
    spec = call.input.get("spec") if isinstance(call.input, dict) else None
    if call.operation.substrate != PLATFORM or not isinstance(spec, dict):
        return call
    named = call.input.get("element_type")
    kind = house.catalogue.find(named) if isinstance(named, str) else call.type
    if kind is None:
        return call
    offered = house.secrets.concealed(kind, call.element.circle_id, spec)
    return call.evolve(
        input={**call.input, "spec": offered.spec}, body=_body(call.body, offered.spec), secrets=offered.values
    )


def _body(posted: bytes, spec: object) -> bytes:
    """Written anew: a name that was given twice has the other value still in the text that was posted."""
    value = msgspec.json.decode(posted)
    return msgspec.json.encode({**value, "spec": spec} if "spec" in value else value)
