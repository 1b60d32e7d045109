"""`triform image` on a store with small images in it; building one is the isolation tests' business."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Triform
from triform.elements.model import Pin
from triform.settings import Settings
from triform.storage.errors import DatabaseUnavailable
from triform.substrates.isolation.images.listing import digest
from triform.substrates.isolation.images.model import Image, to_json

OLD = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRIFORM_DATA_DIR", str(tmp_path / "mine"))
    return tmp_path / "mine"


def _image(data_dir: Path, content: str, built_at: datetime) -> Image:
    """An image of one file, placed in the store."""
    work = data_dir / "images" / ".building-test"
    (work / "root").mkdir(parents=True)
    (work / "root" / "file").write_text(content)
    image = Image(
        digest=digest(work / "root"),
        recipe="same",
        language="cobol",
        version="85",
        suite="trixie",
        architecture="x86_64",
        packages=("cobol_85",),
        bytes=3 << 20,
        built_at=built_at,
        root=work / "root",
    )
    (work / "image.json").write_text(to_json(image))
    place = data_dir / "images" / image.digest
    work.rename(place)
    return replace(image, root=place / "root")


def test_an_empty_store_says_how_to_fill_it(triform: Triform, data_dir: Path) -> None:
    told = f"no images in {data_dir / 'images'}; triform image build makes them\n"
    assert triform("image", "list").out == told


def test_images_are_listed_newest_first(triform: Triform, data_dir: Path) -> None:
    images = [_image(data_dir, "old", OLD), _image(data_dir, "new", OLD + timedelta(days=1))]
    listed = json.loads(triform("image", "list", "--json").out)["images"]
    assert [image["digest"] for image in listed] == [images[1].digest, images[0].digest]
    assert "cobol-85" in triform("image", "list").out


def test_prune_removes_what_a_newer_image_replaced(triform: Triform, data_dir: Path) -> None:
    old, new = _image(data_dir, "old", OLD), _image(data_dir, "new", OLD + timedelta(days=1))
    removed = json.loads(triform("image", "prune", "--json").out)["removed"]
    assert [image["digest"] for image in removed] == [old.digest]
    assert (new.root.exists(), old.root.exists()) == (True, False)


@pytest.fixture
def pinned(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Image, Image]:
    """An old image that two versions were deployed with, and a newer one."""
    old, new = _image(data_dir, "old", OLD), _image(data_dir, "new", OLD + timedelta(days=1))

    async def pins(_: Settings) -> list[Pin]:
        return [Pin(old.digest, "acme", "greet", version) for version in range(3, 10)]

    monkeypatch.setattr("triform.wiring.host.pins", pins)
    return old, new


def test_prune_keeps_what_a_deploy_pinned_and_says_who(triform: Triform, pinned: tuple[Image, Image]) -> None:
    old, _ = pinned
    ended = triform("image", "prune")
    assert (ended.code, ended.out) == (0, "nothing to remove\n")
    versions = ", ".join(f"acme/greet {version}" for version in range(3, 8))
    assert ended.err == f"kept {old.digest[:16]} cobol-85, pinned by {versions} and 2 more\n"
    document = json.loads(triform("image", "prune", "--json").out)
    assert (document["removed"], [image["digest"] for image in document["kept"]]) == ([], [old.digest])
    assert document["kept"][0]["pinned_by"][0] == {"circle": "acme", "element": "greet", "version": 3}
    assert old.root.exists()


def test_force_prunes_what_a_deploy_pinned_too(triform: Triform, pinned: tuple[Image, Image]) -> None:
    old, new = pinned
    assert old.digest[:16] in triform("image", "prune", "--force").out
    assert (new.root.exists(), old.root.exists()) == (True, False)


def test_without_the_pins_nothing_is_pruned(
    triform: Triform, pinned: tuple[Image, Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pins(_: Settings) -> list[Pin]:
        raise DatabaseUnavailable

    monkeypatch.setattr("triform.wiring.host.pins", pins)
    assert triform("image", "prune").code == 1
    assert pinned[0].root.exists()


def test_the_image_the_settings_name_is_never_pruned(
    triform: Triform, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, _ = _image(data_dir, "old", OLD), _image(data_dir, "new", OLD + timedelta(days=1))
    monkeypatch.setenv("TRIFORM_RUNTIME_IMAGE", old.digest[:12])
    assert triform("image", "prune", "--force").out == "nothing to remove\n"


def test_an_exported_image_can_be_taken_in_elsewhere(
    triform: Triform, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = _image(data_dir, "same", OLD)
    assert triform("image", "export", image.digest[:10], str(tmp_path / "image.tgz")).code == 0
    monkeypatch.setenv("TRIFORM_DATA_DIR", str(tmp_path / "theirs"))
    taken = json.loads(triform("image", "import", str(tmp_path / "image.tgz"), "--json").out)
    assert taken["digest"] == image.digest
    assert (Path(taken["root"]) / "file").read_text() == "same"


def test_a_file_that_is_no_image_is_refused_with_a_fix(triform: Triform, data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "other.tgz").write_text("not this")
    ended = triform("image", "import", str(tmp_path / "other.tgz"))
    assert ended.code == 1
    assert "FIX: " in ended.err
    assert "Traceback" not in ended.err


def test_an_unknown_image_or_language_is_refused(triform: Triform, data_dir: Path, tmp_path: Path) -> None:
    assert triform("image", "export", "abc", str(tmp_path / "x")).code == 1
    assert triform("image", "build", "klingon").code == 2
