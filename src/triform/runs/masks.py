"""The mask of an element: made on first use, remembered while its values are the same."""

from collections import OrderedDict
from collections.abc import Mapping

from triform.elements.model import Element
from triform.elements.secrets import Secrets
from triform.elements.vault import SecretUnreadable
from triform.runs.mask import Mask

_REMEMBERED = 256


class Masks:
    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets
        self._masks: OrderedDict[frozenset[str], Mask] = OrderedDict()

    def of(self, element: Element) -> Mask | None:
        """None for an element without secrets. Raises SecretUnreadable."""
        if not element.secrets:
            return None
        key = frozenset(sealed.digest for sealed in element.secrets.values())
        mask = self._masks.get(key)
        if mask is None:
            mask = self._masks[key] = Mask(self.secrets.revealed(element).values())
        self._masks.move_to_end(key)
        if len(self._masks) > _REMEMBERED:
            self._masks.popitem(last=False)
        return mask

    def about(self, element: Element, offered: Mapping[str, str]) -> Mask | None:
        """For what is written down about a change: the values there were, if readable, and those that came."""
        try:
            if not offered:
                return self.of(element)
            return Mask([*self.secrets.revealed(element).values(), *offered.values()])
        except SecretUnreadable:
            return Mask(offered.values()) if offered else None
