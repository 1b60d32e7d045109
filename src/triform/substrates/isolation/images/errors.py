"""What can be wrong with runtime images, each with the way out."""

from triform.errors import Suggestion, TriformError


class RuntimeImageMissing(TriformError):
    """The runtime image of this language has not been built on this machine."""

    code = "RUNTIME_IMAGE_MISSING"
    kind = "unavailable"
    retryable = True


class ImageBroken(TriformError):
    """This is not a runtime image, or not all of it."""

    code = "RUNTIME_IMAGE_MISSING"
    kind = "unavailable"


def missing(language: str) -> RuntimeImageMissing:
    return RuntimeImageMissing(
        f"There is no runtime image for {language} on this machine.",
        suggestion=Suggestion(
            why="Code runs inside a root filesystem of its own, which is built once per machine.",
            fix=f"Run `triform image build {language}`, or `triform image import <file>` without network.",
        ),
    )


def not_there(digest: str) -> RuntimeImageMissing:
    return RuntimeImageMissing(
        f"There is no runtime image {digest} on this machine.",
        suggestion=Suggestion(
            why="TRIFORM_RUNTIME_IMAGE, or the deployed version, names an image that is not in the store.",
            fix="`triform image list` shows what is there; `triform image import <file>` brings one in.",
        ),
    )


def no_builder() -> RuntimeImageMissing:
    return RuntimeImageMissing(
        "Runtime images are built with mmdebstrap, which is not installed.",
        suggestion=Suggestion(
            why="mmdebstrap downloads and unpacks the Debian packages an image consists of.",
            fix="apt-get install mmdebstrap debian-archive-keyring",
        ),
    )


_CAUSES = (
    (
        ("Could not resolve", "Could not connect", "Unable to connect", "Connection failed", "Temporary failure"),
        "The Debian mirror {mirror} cannot be reached.",
        "Check the network, name a mirror you can reach in TRIFORM_IMAGE_MIRROR, or bring a finished image: "
        "`triform image export` there, `triform image import` here.",
    ),
    (
        ("No space left on device",),
        "The disk is full.",
        "Free some space (an image needs 300 MB while it is built); `triform image prune` removes old images.",
    ),
    (
        ("NO_PUBKEY", "not signed"),
        "The keys of {mirror} are not known here.",
        "apt-get install debian-archive-keyring, in a version that knows the suite.",
    ),
    (
        ("Unable to locate package", "has no installation candidate"),
        "The mirror {mirror} does not have every package of this image.",
        "Check `image.packages` in the language's language.yaml against the suite.",
    ),
)


def build_failed(language: str, mirror: str, output: str) -> RuntimeImageMissing:
    """What mmdebstrap's last words mean."""
    why = f"The runtime image for {language} could not be built."
    for marks, cause, fix in _CAUSES:
        if any(mark in output for mark in marks):
            return RuntimeImageMissing(
                why, detail=output, suggestion=Suggestion(why=cause.format(mirror=mirror), fix=fix)
            )
    last = output.strip().splitlines()[-1:] or ["mmdebstrap said nothing"]
    return RuntimeImageMissing(
        why,
        detail=output,
        suggestion=Suggestion(why=last[0], fix=f"`triform image build {language}` shows every step."),
    )
