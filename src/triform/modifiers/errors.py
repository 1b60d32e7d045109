"""Why something cannot be attached."""

from triform.errors import TriformError


class NotAttachable(TriformError):
    """The target does not take elements of this type."""

    code = "NOT_ATTACHABLE"
    kind = "conflict"


class TooManyAttachments(TriformError):
    """The element has as many attachments as one may have."""

    code = "TOO_MANY_ATTACHMENTS"
    kind = "conflict"
