"""The only package that knows which class stands behind each interface."""

from triform.wiring.assembly import assemble
from triform.wiring.parts import Assembled, Ground, Machinery, ground
from triform.wiring.serve import serve

__all__ = ["Assembled", "Ground", "Machinery", "assemble", "ground", "serve"]
