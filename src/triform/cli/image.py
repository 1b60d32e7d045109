"""`triform image`: the root file systems user code runs in."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from triform.cli.figures import table
from triform.cli.outcome import Stop, WrongUsage
from triform.cli.terminal import AsJson, terminal_of

if TYPE_CHECKING:
    from triform.settings import Settings
    from triform.substrates.isolation.images import Image, Images
    from triform.substrates.isolation.languages import Language


_NAMED = 5


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(help="Runtime images: build, list, prune, export, import.", no_args_is_help=True)
    for name, verb in (("build", build), ("list", list_images), ("prune", prune)):
        group.command(name)(verb)
    group.command("export")(export)
    group.command("import")(bring_in)
    app.add_typer(group, name="image")


def build(
    ctx: typer.Context,
    languages: Annotated[
        list[str] | None,
        typer.Argument(help="Which; default is every one that code runs in. ruby-build compiles gems."),
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Also if there is one: take newer packages.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build the images of languages from a Debian mirror. What is there already is left alone."""
    images, terminal = _images(), terminal_of(ctx)
    built = []
    for language in _wanted(languages or []):
        with terminal.working(f"building {language.name}") as tell:
            built.append(asyncio.run(images.build(language, tell, anew=anew)))
    terminal.answer({"images": [_document(image) for image in built]}, lambda: _listed(built))


def list_images(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the images on this machine, newest first."""
    images = _images()
    found, none = list(images.list()), f"no images in {images.folder}; triform image build makes them"
    terminal_of(ctx).answer({"images": [_document(image) for image in found]}, lambda: _listed(found, none))


def prune(
    ctx: typer.Context,
    force: Annotated[
        bool, typer.Option("--force", help="Also images that deploys pinned; those run in the newest then.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove images that a newer one of the same recipe has replaced.

    An image that a deploy of this instance pinned is kept. Where several instances share a folder of images,
    the pins of the others are not known here.
    """
    images, terminal = _images(), terminal_of(ctx)
    pinned = {} if force else _pinned()
    removed = list(images.prune(keep=pinned))
    kept = [image for image in images.replaced() if image.digest in pinned]
    document = {
        "removed": [_document(image) for image in removed],
        "kept": [_document(image) | {"pinned_by": pinned[image.digest]} for image in kept],
    }
    terminal.answer(document, lambda: _listed(removed, "nothing to remove"))
    for image in kept:
        terminal.remark(f"kept {image.digest[:16]} {image.label}, pinned by {_named(pinned[image.digest])}")


def _pinned() -> Mapping[str, list[dict[str, Any]]]:
    """Digest ↦ the versions that were deployed with it."""
    from triform.cli.up import settings
    from triform.wiring.host import pins

    found: dict[str, list[dict[str, Any]]] = {}
    for pin in asyncio.run(pins(settings())):
        version = {"circle": pin.circle, "element": pin.element, "version": pin.version}
        found.setdefault(pin.runtime_image, []).append(version)
    return found


def _named(versions: list[dict[str, Any]]) -> str:
    """`acme/greet 3, acme/score 1 and 4 more`."""
    named = [f"{each['circle']}/{each['element']} {each['version']}" for each in versions[:_NAMED]]
    more = f" and {len(versions) - _NAMED} more" if len(versions) > _NAMED else ""
    return ", ".join(named) + more


def export(
    ctx: typer.Context,
    digest: Annotated[str, typer.Argument(help="The image's digest, or its beginning.")],
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    as_json: AsJson = False,
) -> None:
    """Write an image to a file, for machines without network."""
    images, terminal = _images(), terminal_of(ctx)
    image = images.get(digest)
    with terminal.working(f"writing {file}"):
        _on_disk(images.export(image, file))
    terminal.answer({**_document(image), "file": str(file)}, lambda: f"{image.label} is in {file}")


def bring_in(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="What triform image export wrote.", exists=True, dir_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Take in an image from a file.

    Its content must be what its digest says.
    """
    images, terminal = _images(), terminal_of(ctx)
    with terminal.working(f"reading {file}"):
        image = _on_disk(images.import_(file))
    terminal.answer(_document(image), lambda: _listed([image]))


def _on_disk(work: Any) -> Any:
    try:
        return asyncio.run(work)
    except OSError as error:
        raise Stop(str(error), "check the path and the space on its disk") from error


def store(settings: "Settings") -> "Images":
    """The images an instance with these settings uses."""
    from triform.substrates.isolation.images import Images

    folder = settings.image_dir or settings.data_dir / "images"
    return Images(folder, settings.image_mirror, settings.runtime_image)


def _images() -> "Images":
    from triform.cli.up import settings

    return store(settings())


def _wanted(names: list[str]) -> list["Language"]:
    from triform.cli.up import settings
    from triform.substrates.isolation.languages import read_languages

    languages: Mapping[str, Language] = read_languages(settings().harnesses)
    builders = {each.builder.name: each.builder for each in languages.values() if each.gems}
    known = {**builders, **languages}
    for name in names:
        if name not in known:
            raise WrongUsage(f"there is no language {name!r}", f"one of: {', '.join(sorted(known))}")
    return [known[name] for name in names or sorted(languages)]


def _document(image: "Image") -> dict[str, Any]:
    return {
        "digest": image.digest,
        "language": image.language,
        "version": image.version,
        "suite": image.suite,
        "bytes": image.bytes,
        "built_at": image.built_at.isoformat(),
        "packages": list(image.packages),
        "root": str(image.root),
    }


def _listed(images: list["Image"], none: str = "none") -> Any:
    return table(("digest", "language", "suite", "size", "built"), map(_row, images)) if images else none


def _row(image: "Image") -> tuple[str, ...]:
    built = image.built_at.strftime("%Y-%m-%d %H:%M")
    return image.digest[:16], image.label, image.suite, f"{image.bytes >> 20} MB", built
