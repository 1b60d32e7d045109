"""Images: what is kept, found, pruned, carried elsewhere; what building says when it cannot."""

import os
import stat
import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from triform.substrates.isolation.images import Image, ImageBroken, Images, RuntimeImageMissing
from triform.substrates.isolation.images.build import command, read_packages
from triform.substrates.isolation.images.finish import finish
from triform.substrates.isolation.images.listing import digest
from triform.substrates.isolation.images.model import recipe_digest
from triform.substrates.isolation.languages import ImageRecipe, Language

TOY = Language("toy", "1.2", "main.toy", ("/bin/toy",), True, ImageRecipe("trixie", ("toy",)), Path("/none"), "d")

BUILDER = """#!/bin/sh
# Stands in for mmdebstrap: the last arguments are suite, root, mirror.
for argument; do
  case "$argument" in --extract-hook=*) names="${argument##*> }";; esac
  root="$previous"; previous="$argument"
done
echo "I: downloading packages with apt..." >&2
%s
mkdir -p "$root/usr/bin" "$root/usr/share/ca-certificates/mozilla" "$root/usr/share/doc/toy" "$root/var/lib/dpkg"
mkdir -p "$root/etc/ssl/certs" "$root/usr/lib/ssl" "$root/dev"
echo '#!toy' > "$root/usr/bin/toy"; chmod 4750 "$root/usr/bin/toy"
echo x > "$root/usr/bin/dash"; echo licence > "$root/usr/share/doc/toy/copyright"
echo noise > "$root/usr/share/doc/toy/changelog.gz"
echo cert > "$root/usr/share/ca-certificates/mozilla/a.crt"
mkfifo "$root/dev/pipe"
printf 'toy_1%%%%3a2.0-1_amd64.deb\\npartial\\n' > "$names"
"""


@pytest.fixture
def builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mmdebstrap that needs no network; what it writes can be replaced."""
    place = tmp_path / "bin"
    place.mkdir()
    script = place / "mmdebstrap"
    _write_builder(script, "")
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    monkeypatch.setattr("triform.substrates.isolation.images.build.PATH", f"{place}:/usr/bin:/bin")
    return script


def _write_builder(script: Path, more: str) -> None:
    script.write_text(BUILDER % more)
    script.chmod(0o755)


async def test_a_missing_image_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeImageMissing) as missing:
        Images(tmp_path / "images").find(TOY)
    assert missing.value.code == "RUNTIME_IMAGE_MISSING"
    assert missing.value.suggestion
    assert "triform image build toy" in missing.value.suggestion.fix


async def test_an_image_is_built_once_and_found_by_its_language(tmp_path: Path, builder: Path) -> None:
    images, heard = Images(tmp_path / "images"), list[str]()
    built = await images.build(TOY, heard.append)
    assert heard[0].startswith("building the runtime image toy-1.2")
    assert "downloading packages" in heard
    assert built.packages == ("toy_1:2.0-1",)
    heard.clear()
    assert await images.build(TOY, heard.append) == images.find(TOY) == built
    assert heard == []
    assert [folder.name for folder in (tmp_path / "images").iterdir() if folder.is_dir()] == [built.digest]


async def test_the_same_packages_give_the_same_image(tmp_path: Path, builder: Path) -> None:
    first = await Images(tmp_path / "a").build(TOY)
    second = await Images(tmp_path / "b").build(TOY)
    assert first.digest == second.digest == digest(second.root)


async def test_everybody_can_read_an_image_and_nothing_in_it_is_special(tmp_path: Path, builder: Path) -> None:
    image = await Images(tmp_path / "images").build(TOY)
    for path in (image.root, *image.root.rglob("*")):
        status = path.lstat()
        if path.is_symlink():
            continue
        assert stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)
        assert status.st_mode & 0o7022 == 0
        assert status.st_mode & 0o444 == 0o444


async def test_an_image_has_what_programs_expect(tmp_path: Path, builder: Path) -> None:
    root = (await Images(tmp_path / "images").build(TOY)).root
    assert (root / "etc/passwd").read_text().startswith("root:x:0:0:")
    assert (root / "etc/ssl/certs/ca-certificates.crt").read_text() == "cert\n"
    assert (root / "usr/bin/sh").readlink() == Path("dash")
    assert (root / "etc/resolv.conf").read_text() == ""
    assert str((root / "etc/localtime").readlink()) == "/usr/share/zoneinfo/Etc/UTC"
    for mount_point in ("app", "bundle", "harness", "tmp", "proc", "dev"):
        assert list((root / mount_point).iterdir()) == []
    assert (root / "usr/share/doc/toy/copyright").exists()
    assert not (root / "usr/share/doc/toy/changelog.gz").exists()
    assert not (root / "var/lib/dpkg").exists()


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("E: Could not resolve 'deb.debian.org'", "TRIFORM_IMAGE_MIRROR"),
        ("tar: write error: No space left on device", "Free some space"),
        ("E: Unable to locate package toy", "language.yaml"),
        ("NO_PUBKEY 0E98404D386FA1D9", "debian-archive-keyring"),
        ("something nobody has seen", "triform image build toy"),
    ],
)
async def test_a_failed_build_says_why_and_leaves_nothing(
    tmp_path: Path, builder: Path, said: str, fix: str
) -> None:
    _write_builder(builder, f'echo "{said}" >&2; exit 1')
    with pytest.raises(RuntimeImageMissing) as failed:
        await Images(tmp_path / "images", mirror="http://mirror.example").build(TOY)
    assert failed.value.suggestion
    assert fix in failed.value.suggestion.fix
    assert [entry.name for entry in (tmp_path / "images").iterdir()] == [".lock"]


async def test_without_mmdebstrap_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triform.substrates.isolation.images.build.PATH", str(tmp_path))
    with pytest.raises(RuntimeImageMissing) as failed:
        await Images(tmp_path / "images").build(TOY)
    assert failed.value.suggestion
    assert "apt-get install mmdebstrap" in failed.value.suggestion.fix


async def test_an_exported_image_is_the_same_elsewhere(tmp_path: Path, builder: Path) -> None:
    here, there = Images(tmp_path / "here"), Images(tmp_path / "there")
    built = await here.build(TOY)
    await here.export(built, tmp_path / "toy.image")
    taken = await there.import_(tmp_path / "toy.image")
    assert taken == replace(built, root=tmp_path / "there" / built.digest / "root")
    assert there.find(TOY) == taken
    assert digest(taken.root) == built.digest


async def test_a_changed_or_broken_file_is_refused(tmp_path: Path, builder: Path) -> None:
    images = Images(tmp_path / "images")
    built = await images.build(TOY)
    (built.root / "usr/bin/toy").write_text("changed")
    await images.export(built, tmp_path / "changed")
    (tmp_path / "cut").write_bytes((tmp_path / "changed").read_bytes()[:200])
    with tarfile.open(tmp_path / "other", "w") as tar:
        tar.add(builder, "something")
    for name in ("changed", "cut", "other"):
        with pytest.raises(ImageBroken):
            await Images(tmp_path / "elsewhere").import_(tmp_path / name)


def _entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return entry


@pytest.mark.parametrize(
    "entries",
    [
        [_entry("../out")],
        [_entry("/tmp/out-of-an-image")],
        [_entry("root/etc", tarfile.SYMTYPE, "/tmp"), _entry("root/etc/out-of-an-image")],
        [_entry("root/up", tarfile.SYMTYPE, "../.."), _entry("root/up/out")],
        [_entry("root/shadow", tarfile.LNKTYPE, "../../../../etc/shadow")],
        [_entry("root/null", tarfile.CHRTYPE)],
        [_entry("root/pipe", tarfile.FIFOTYPE)],
    ],
)
async def test_a_file_that_reaches_out_of_its_folder_is_refused(
    tmp_path: Path, entries: list[tarfile.TarInfo]
) -> None:
    with tarfile.open(tmp_path / "hostile", "w") as tar:
        for entry in entries:
            tar.addfile(entry)
    with pytest.raises(ImageBroken):
        await Images(tmp_path / "images").import_(tmp_path / "hostile")
    assert not _exists("/tmp/out-of-an-image")
    assert not _exists(str(tmp_path / "out"))


def _exists(path: str) -> bool:
    return Path(path).exists()


async def test_prune_keeps_the_newest_of_each_recipe_and_what_is_pinned(tmp_path: Path, builder: Path) -> None:
    images = Images(tmp_path / "images")
    built = []
    for number in range(3):
        _write_builder(builder, f'mkdir -p "$root/usr/bin"; echo {number} > "$root/usr/bin/number"')
        built.append(await images.build(TOY, anew=True))
    assert images.find(TOY) == built[2]
    assert images.prune(keep=[built[0].digest]) == [built[1]]
    assert images.list() == [built[2], built[0]]


async def test_a_pinned_image_is_used_whatever_the_language_asks(tmp_path: Path, builder: Path) -> None:
    built = await Images(tmp_path / "images").build(TOY)
    other = replace(TOY, image=ImageRecipe("sid", ("other",)))
    assert Images(tmp_path / "images", pinned=built.digest[:12]).find(other) == built
    with pytest.raises(RuntimeImageMissing):
        Images(tmp_path / "images", pinned="feed").find(TOY)


async def test_the_host_stands_in_only_when_told(tmp_path: Path) -> None:
    image = Images(tmp_path / "images", pinned="host").find(TOY)
    assert image.digest == "host"
    assert "/usr" in image.binds
    assert (image.root / "etc/passwd").exists()
    assert not (image.root / "root").exists()
    assert Images(tmp_path / "images").list() == []


def test_a_recipe_is_what_is_in_it_not_how_it_is_written() -> None:
    assert recipe_digest(ImageRecipe("trixie", ("b", "a", "dash"))) == recipe_digest(
        ImageRecipe("trixie", ("a", "b"))
    )
    assert recipe_digest(ImageRecipe("trixie", ("a",))) != recipe_digest(ImageRecipe("sid", ("a",)))


def test_the_command_asks_for_every_image_s_packages_and_the_languages(tmp_path: Path) -> None:
    line = command(TOY.image, tmp_path / "root", tmp_path / "names", "http://mirror.example")
    included = next(part for part in line if part.startswith("--include=")).removeprefix("--include=").split(",")
    assert {"coreutils", "dash", "ca-certificates", "tzdata", "toy"} <= set(included)
    assert line[-3:] == ["trixie", str(tmp_path / "root"), "http://mirror.example"]


def test_package_names_are_told_from_other_lines(tmp_path: Path) -> None:
    (tmp_path / "names").write_text("b_1%3a2_all.deb\nlock\na_1_amd64.deb\n")
    assert read_packages(tmp_path / "names") == ("a_1", "b_1:2")


def test_finishing_twice_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "usr/share/ca-certificates").mkdir(parents=True)
    finish(tmp_path)
    first = digest(tmp_path)
    finish(tmp_path)
    assert digest(tmp_path) == first


def test_an_image_is_labelled_for_people() -> None:
    image = Image("d", "r", "ruby", "3.3", "trixie", "x86_64", (), 1, datetime.now(UTC), Path("/x"))
    assert image.label == "ruby-3.3"
