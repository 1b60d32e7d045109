"""Why an element cannot be had, made, changed or used."""

from triform.errors import Suggestion, TriformError


class UnknownElementType(TriformError):
    """There is no element type of this name."""

    code = "UNKNOWN_ELEMENT_TYPE"
    kind = "validation"


class InvalidSpec(TriformError):
    """The spec does not fit the element's type."""

    code = "INVALID_SPEC"
    kind = "validation"
    default_suggestion = Suggestion(
        why="The listed places of the spec break the rules of the element's type.",
        fix="Correct each of them and send the spec again; the type's reference page shows a spec that works.",
        code="SPEC_RULES",
    )


class SlugTaken(TriformError):
    """Another element of this circle has this slug."""

    code = "SLUG_TAKEN"
    kind = "conflict"
    default_suggestion = Suggestion(
        why="Slugs are unique in a circle.",
        fix="Choose another slug, update the element that has it, or delete that one first.",
    )


class ChildrenNotAllowed(TriformError):
    """Elements of this type cannot contain others."""

    code = "CHILDREN_NOT_ALLOWED"
    kind = "conflict"
    default_suggestion = Suggestion(
        why="This type does not contain elements.",
        fix="Create the element in the circle itself: POST /api/{circle}/.",
        op="create",
    )


class VersionMismatch(TriformError):
    """The element is no longer at the version you expect."""

    code = "VERSION_MISMATCH"
    kind = "conflict"


class ConfirmationRequired(TriformError):
    """Deleting is final and wants to be confirmed."""

    code = "CONFIRMATION_REQUIRED"
    kind = "conflict"
    default_suggestion = Suggestion(
        why="A deleted element cannot be brought back.",
        fix="Send the same request with confirm=true, in the query or in the body.",
        op="delete",
        example={"confirm": True},
    )


class ElementInUse(TriformError):
    """The element is in use."""

    code = "ELEMENT_IN_USE"
    kind = "conflict"


class DeployRequired(TriformError):
    """This version has not been deployed."""

    code = "DEPLOY_REQUIRED"
    kind = "conflict"
    default_suggestion = Suggestion(
        why="The gems this version requires are not those that were deployed last.",
        fix="Deploy (POST …/ops/deploy), then repeat.",
        op="deploy",
    )


class VersionPromoted(TriformError):
    """This version has been promoted with another commit."""

    code = "VERSION_PROMOTED"
    kind = "conflict"
    default_suggestion = Suggestion(
        why="What was promoted changes by promotion alone, never by a deploy.",
        fix="Make another version (an update that changes nothing will do), deploy that, and promote it.",
        op="update",
        example={},
    )


class NotPromoted(TriformError):
    """Nothing has been promoted there yet."""

    code = "NOT_PROMOTED"
    kind = "conflict"


class NotPromotable(TriformError):
    """The element has no members that could be promoted."""

    code = "NOT_PROMOTABLE"
    kind = "conflict"


class SourceMoved(TriformError):
    """Somebody changed draft while your commit was on its way."""

    code = "SOURCE_MOVED"
    kind = "conflict"
    default_suggestion = Suggestion(
        why="Each commit on draft is a version, and another one came first.",
        fix="Fetch, put your change on top of it, and push again.",
    )


class SourceUnavailable(TriformError):
    """The element's git repository cannot be used at the moment."""

    code = "SOURCE_UNAVAILABLE"
    kind = "unavailable"
    retryable = True


class ElementDisabled(TriformError):
    """The element is disabled."""

    code = "ELEMENT_DISABLED"
    kind = "conflict"
    default_suggestion = Suggestion(
        why="Somebody disabled this element; nothing runs on it until it is enabled.",
        fix="Enable it (POST …/ops/enable needs the admin role), then try again.",
        op="enable",
    )
