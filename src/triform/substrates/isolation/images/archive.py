"""An image as one file: a gzipped tar of `image.json` and `root/`, checked by digest when it comes back."""

import io
import tarfile
from dataclasses import replace
from pathlib import Path

from triform.errors import Suggestion
from triform.substrates.isolation.images.errors import ImageBroken
from triform.substrates.isolation.images.listing import digest
from triform.substrates.isolation.images.model import Image, from_json, to_json


def write(image: Image, path: Path) -> None:
    """The file appears whole or not at all."""
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with tarfile.open(unfinished, "w:gz", compresslevel=3, format=tarfile.PAX_FORMAT) as tar:
            described = to_json(image).encode()
            entry = tarfile.TarInfo("image.json")
            entry.size = len(described)
            tar.addfile(entry, io.BytesIO(described))
            tar.add(image.root, "root", filter=_nobodys)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read(path: Path, folder: Path) -> Image:
    """Unpacks into `folder`; raises ImageBroken when it is no image, or not the one it says it is."""
    try:
        with tarfile.open(path, "r:*") as tar:
            tar.extraction_filter = getattr(tarfile, "tar_filter", None)  # Pythons before 3.11.4 have none
            for entry in tar:
                _unpack(tar, entry, folder)
        image = from_json((folder / "image.json").read_text(), folder / "root")
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError, TypeError) as error:
        raise _broken(path, str(error)) from error
    found = digest(image.root)
    if found != image.digest or image.binds:
        raise _broken(path, f"content is {found}, said is {image.digest}")
    return replace(image, root=folder / "root")


def _unpack(tar: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> None:
    """One entry, if it is of a plain kind and lies in `folder`, also through the links unpacked before it."""
    names = [entry.name, entry.linkname] if entry.islnk() else [entry.name]
    plain = entry.isfile() or entry.isdir() or entry.issym() or entry.islnk()
    if not plain or not all(_is_inside(name, folder) for name in names):
        raise tarfile.TarError(f"{entry.name!r} does not belong in an image")
    tar.extract(entry, folder)


def _is_inside(name: str, folder: Path) -> bool:
    place = folder / name
    climbs = ".." in Path(name).parts or place == folder
    return not climbs and place.parent.resolve().is_relative_to(folder.resolve())


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _broken(path: Path, detail: str) -> ImageBroken:
    return ImageBroken(
        f"{path} is not a complete runtime image.",
        detail=detail,
        suggestion=Suggestion(
            why=detail, fix="Make the file again with `triform image export` and copy it whole."
        ),
    )
